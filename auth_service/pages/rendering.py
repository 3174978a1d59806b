"""From a page's name to HTML in someone's language, with the headers that every page has."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from auth_service.model.users import User
from auth_service.pages.catalogues import Catalogue, read_catalogues
from auth_service.pages.languages import LANGUAGES, language_for, tag
from auth_service.pages.scripts import scripts_of
from auth_service.pages.sentences import problem_words

TEMPLATES: Final = Path(__file__).parent / "templates"

HEADERS: Final = {
    "Cache-Control": "no-store",
    # Our own forms must tell where they come from, and nobody else where they were.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
}


def policy(return_origins: Collection[str] = ()) -> str:
    """Write the Content-Security-Policy: everything from here, nothing inline.

    A sign-in without scripts is a form whose answer leads back to an application, which browsers take for
    sending the form there.
    """
    forms = " ".join(["'self'", *sorted(return_origins)])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        f" form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


class Renderer:
    """Renders pages, compiled once for each language. Making one reads the templates and catalogues."""

    def __init__(self, *, return_origins: Collection[str] = ()) -> None:
        self.catalogues: Mapping[str, Catalogue] = read_catalogues()
        self._headers = {**HEADERS, "Content-Security-Policy": policy(return_origins)}
        self._environments = {
            language: _environment(catalogue) for language, catalogue in self.catalogues.items()
        }

    def language(self, request: Request, user: User | None) -> str:
        """Tell in which language to answer."""
        return language_for(
            None if user is None else user.locale, accepted=request.headers.get("accept-language", "")
        )

    def page(
        self,
        request: Request,
        name: str,
        *,
        user: User | None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> Response:
        """Give the page `name`, for whoever is signed in."""
        language = self.language(request, user)
        imported, started = scripts_of(name)
        page = (
            self._environments[language]
            .get_template(f"{name}.html")
            .render(
                user=user,
                language=tag(language),
                languages=LANGUAGES,
                imported=imported,
                started=started,
                words=self._words((*imported, *started), language),
                **(facts or {}),
            )
        )
        own_headers = {"Content-Language": tag(language), **(headers or {})}
        return HTMLResponse(page, status_code=status, headers={**self._headers, **own_headers})

    def _words(self, scripts: Collection[str], language: str) -> Mapping[str, object]:
        """Give what scripts say in a language."""
        catalogue = self.catalogues[language]
        said = catalogue.words_of({f"static/{script}" for script in scripts})
        return {"words": said, **problem_words(catalogue.translations)}


def _environment(catalogue: Catalogue) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    translations = catalogue.translations
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        translations.gettext, translations.ngettext, newstyle=True
    )
    environment.policies["ext.i18n.trimmed"] = True
    return environment
