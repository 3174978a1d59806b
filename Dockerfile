# One image for each service, with the dependencies of that service alone (and tracing), pinned by requirements.lock.
#   docker build --target auth -t porter-auth .        docker build --target mailer -t porter-mailer .

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY pyproject.toml requirements.lock ./
COPY deploy/pins.py deploy/

# What is needed changes seldom, so it is installed before the sources are looked at.
FROM build AS auth-needs
RUN python deploy/pins.py auth tracing >needs.txt \
 && python -m venv --without-pip /opt/porter \
 && python -m pip --python /opt/porter install -q --require-hashes --only-binary :all: -r needs.txt

FROM build AS mailer-needs
RUN python deploy/pins.py mailer tracing >needs.txt \
 && python -m venv --without-pip /opt/porter \
 && python -m pip --python /opt/porter install -q --require-hashes --only-binary :all: -r needs.txt

FROM build AS wheel
RUN python deploy/pins.py build-system >needs.txt \
 && python -m venv --without-pip /opt/tools \
 && python -m pip --python /opt/tools install -q --require-hashes --only-binary :all: -r needs.txt
COPY README.md LICENSE ./
COPY contracts contracts
COPY auth_service auth_service
COPY mailer_service mailer_service
COPY devstack devstack
RUN /opt/tools/bin/python -m hatchling build -t wheel -d /wheel

# Each service without the other, and without the stack it is developed in.
FROM auth-needs AS auth-installed
COPY --from=wheel /wheel /wheel
RUN python -m pip --python /opt/porter install -q --no-deps --no-index /wheel/*.whl \
 && rm -r /opt/porter/lib/python3.13/site-packages/mailer_service \
          /opt/porter/lib/python3.13/site-packages/devstack /opt/porter/bin/mailer-service

FROM mailer-needs AS mailer-installed
COPY --from=wheel /wheel /wheel
RUN python -m pip --python /opt/porter install -q --no-deps --no-index /wheel/*.whl \
 && rm -r /opt/porter/lib/python3.13/site-packages/auth_service \
          /opt/porter/lib/python3.13/site-packages/devstack /opt/porter/bin/auth-service

FROM python:3.13-slim AS runtime
RUN groupadd --gid 10001 porter \
 && useradd --uid 10001 --gid porter --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin porter
ENV PATH=/opt/porter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY deploy/healthy.py /opt/healthy.py
WORKDIR /
STOPSIGNAL SIGTERM
# The exec form: the service itself gets the signal, and finishes what it has in hand.

FROM runtime AS mailer
COPY --from=mailer-installed /opt/porter /opt/porter
ENV MAILER_HOST=0.0.0.0 MAILER_PORT=8002
USER 10001:10001
EXPOSE 8002
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=6 \
  CMD ["python", "-IS", "/opt/healthy.py", "http://127.0.0.1:8002/healthz"]
CMD ["mailer-service", "run"]

FROM runtime AS auth
# Volumes that secrets are written to belong to who writes them: a new volume takes its folder's owner.
RUN install -d -o porter -g porter /secrets /secrets/auth /secrets/mailer /secrets/postgres /secrets/redis /secrets/grafana
COPY deploy/make_secrets.py deploy/redis/users.acl.template /opt/
COPY --from=auth-installed /opt/porter /opt/porter
ENV AUTH_HOST=0.0.0.0 AUTH_PORT=8000 AUTH_INTERNAL_PORT=8001
USER 10001:10001
EXPOSE 8000 8001
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=6 \
  CMD ["python", "-IS", "/opt/healthy.py", "http://127.0.0.1:8001/readyz"]
CMD ["auth-service", "serve"]
