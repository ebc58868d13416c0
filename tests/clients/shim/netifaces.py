"""In the place of a library that has to be compiled: all that clients ask of it is whether IPv6 has a default route."""
AF_INET6 = 10


def gateways():
    return {"default": {}}
