"""Exit with 0 if a page answers 200, else with 1: `python -IS healthy.py URL`."""

import http.client
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.netloc, timeout=3)
try:
    connection.request("GET", url.path)
    healthy = connection.getresponse().status == http.client.OK
except OSError:
    healthy = False
sys.exit(0 if healthy else 1)
