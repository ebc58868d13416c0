"""The tables of cases, one module per group, in the order in which they run."""
from . import access, filters, images, paging, routes, through, versions

GROUPS = {"images": images, "filters": filters, "paging": paging, "versions": versions, "access": access,
          "routes": routes, "through": through}


def every(seed):
    for group, module in GROUPS.items():
        for case in module.cases(seed):
            case.group = group
            yield case
