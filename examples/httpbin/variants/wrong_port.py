"""Listens on a port of its own choice instead of $PORT."""

from serving import *  # noqa: F403: a variant is the real configuration and one fault

bind = "127.0.0.1:0"
