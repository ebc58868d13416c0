"""Replaces a library that has to be compiled. Clients use it only to ask whether IPv6 has a default route."""
AF_INET6 = 10


def gateways():
    return {"default": {}}
