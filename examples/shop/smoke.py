"""Asks a version that has no users yet."""

import sys
import urllib.request

with urllib.request.urlopen(f"{sys.argv[1]}/", timeout=5) as answer:
    page = answer.read().decode()
if "cart" not in page:
    sys.exit(f"no cart: {page}")
