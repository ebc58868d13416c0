"""What clients from before 2017 need and Python 3.11 no longer has.  `run` puts this directory on PYTHONPATH."""
import collections
import collections.abc
import inspect
import sys

sys.modules["_elementtree"] = None      # its Element cannot get new methods; the one written in Python can
import xml.etree.ElementTree            # noqa: E402

if not hasattr(inspect, "getargspec"):
    Spec = collections.namedtuple("Spec", "args varargs keywords defaults")
    inspect.getargspec = lambda function: Spec(*inspect.getfullargspec(function)[:4])

for name in collections.abc.__all__:
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))

xml.etree.ElementTree.Element.getiterator = xml.etree.ElementTree.Element.iter
