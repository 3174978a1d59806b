"""Draws the dashboards: what each shows is a module here, how Grafana wants it is in `panels`."""
