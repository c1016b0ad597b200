# SPDX-License-Identifier: LGPL-2.1-or-later
"""What introspection alone leaves clumsy in Python; see docs/scripting.md."""

import json
from pathlib import Path

from gi import docstring
from gi._gi import FunctionInfo
from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib, GObject, Json

StratoVirt = get_introspection_module("StratoVirt")
__all__ = []


class _Documentation:
    """Puts the texts of the reference manual into docstrings, for help()."""

    def __init__(self):
        self._texts = None
        self._plain = docstring.get_doc_string_generator()

    def texts(self):
        if self._texts is None:
            path = Path(__file__).resolve().parents[2] / "stratovirt" / "docs.json"
            self._texts = json.loads(path.read_text()) if path.exists() else {}
        return self._texts

    def __call__(self, info):
        plain = self._plain(info)
        if info.get_namespace() != "StratoVirt":
            return plain
        container = info.get_container()
        name = f"{container.get_name()}.{info.get_name()}" if container else info.get_name()
        text = self.texts().get(name)
        return f"{plain.strip()}\n\n{text}" if text else plain


_documentation = _Documentation()
docstring.set_doc_string_generator(_documentation)


def _described(name, info):
    """A Python function for one of the typelib: help() shows those with their text."""
    def method(*args, **kwargs):
        return info(*args, **kwargs)
    method.__name__ = method.__qualname__ = name
    method.__doc__ = info.__doc__
    return method


def _get_loop(name):
    """asyncio's loop, which must run GLib's as well."""
    import asyncio
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise TypeError(f"{name}() takes a callback; without one it is awaited in stratovirt.aio.run()") from None
    if type(loop).__module__.startswith("asyncio."):
        raise RuntimeError(f"{name}(): asyncio's own loop does not run GLib's; stratovirt.aio.run() has one that does")
    return loop


def _awaitable(name, start, finish, words, has_self=True):
    """A method of GIO's kind that is awaited when it is called without a callback.

    @words are the names of its arguments before the callback, of which the last is a cancellable.
    """
    def method(*args, **kwargs):
        given = args[1:] if has_self else args
        if len(given) > len(words) or "callback" in kwargs:
            return start(*args, **kwargs)
        values = dict(zip(words, given))
        if unknown := [word for word in kwargs if word not in words or word in values]:
            raise TypeError(f"{name}() got an unexpected argument '{unknown[0]}'")
        values |= kwargs
        cancellable = values["cancellable"] = values.get("cancellable") or Gio.Cancellable()
        future = _get_loop(name).create_future()

        def on_end(_source, result, *_):
            try:
                value = finish(*args[:has_self], result)
            except GLib.Error as error:
                future.done() or future.set_exception(error)
            else:
                future.done() or future.set_result(value)
        future.add_done_callback(lambda future: future.cancelled() and cancellable.cancel())
        start(*args[:has_self], *(values.get(word) for word in words), on_end)
        return future
    method.__name__ = method.__qualname__ = name
    method.__doc__ = start.__doc__
    return method


def _methods(base):
    """What introspection has of a class, as Python functions."""
    found = {}
    for name, info in vars(base).items():
        if not isinstance(info, FunctionInfo) or info.is_constructor():
            continue
        finish = vars(base).get(name.replace("_async", "_finish")) if name.endswith("_async") else None
        if finish is not None:
            words = [argument.get_name() for argument in info.get_arguments()]
            method = _awaitable(name, info, finish, words[:words.index("callback")], info.is_method())
            found[name] = method if info.is_method() else staticmethod(method)
        elif info.is_method():
            found[name] = _described(name, info)
    return found


def _native(value):
    """What has structure, as Python has it."""
    if isinstance(value, Json.Node):
        return json.loads(Json.to_string(value, False))
    return value.unpack() if isinstance(value, GLib.Variant) else value


class _Properties:
    """The properties of one object. What cannot be read or set is a GLib.Error, not GObject's warning."""

    __slots__ = ("_object",)

    def __init__(self, object):
        super().__setattr__("_object", object)

    def __getattr__(self, name):
        _find(self._object, name)
        return self._object.get_property(name)

    def __setattr__(self, name, value):
        _find(self._object, name)
        self._object.set_property(name, value)

    def __dir__(self):
        return sorted(pspec.name.replace("-", "_") for pspec in self)

    def __iter__(self):
        return iter(self._object.list_properties())

    def __len__(self):
        return len(self._object.list_properties())


class _PropertiesOf:
    """`Class.props` is what it is for any class, `object.props` has our ways."""

    def __get__(self, instance, owner):
        return GObject.Object.props if instance is None else _Properties(instance)


def _find(object, name):
    pspec = object.find_property(name.replace("_", "-"))
    if pspec is None:
        raise AttributeError(f"'{type(object).__name__}' has no property '{name}'")
    return pspec


@override
class Object(StratoVirt.Object):
    __doc__ = StratoVirt.Object.__doc__
    locals().update(_methods(StratoVirt.Object))
    props = _PropertiesOf()

    def get_property(self, name):
        """The value of a property; lists and tables as Python has them."""
        return _native(super().get_property(name))

    def set_property(self, name, value):
        """Sets a property; raises GLib.Error when it is settled, or takes no such value."""
        pspec = _find(self, name)
        if isinstance(value, (bool, int, float, str)) and not isinstance(value, GObject.GEnum):
            self.set_value(pspec.name, value)
        else:
            self.set_value(pspec.name, GObject.Value(pspec.value_type, value))

    def __bool__(self):
        """An object without children is one, too."""
        return True


__all__.append("Object")


def _is_unplaced(value):
    return isinstance(value, StratoVirt.Object) and value.get_parent() is None


@override
class Machine(StratoVirt.Machine):
    __doc__ = StratoVirt.Machine.__doc__
    locals().update(_methods(StratoVirt.Machine))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _place(self, value, placed):
        """What JSON has for a value; an object is named by its path and gets a place when it has none."""
        if isinstance(value, dict):
            return {name: self._place(inner, placed) for name, inner in value.items()}
        if _is_unplaced(value):
            self.add_object(value, None)
            placed.append(value)
        if isinstance(value, StratoVirt.Object):
            return value.dup_path()
        return getattr(value, "value_nick", value)

    def add_device(self, driver, id=None, properties=None):
        """Adds a device, also while the guest runs where the machine and the device know hotplug.

        :param driver: wire name of the device, as ``virtio-blk-device``
        :param id: its name; None: it has none
        :param properties: a dict of its properties, by their names on the wire or in Python. A back end
            that has no place yet gets one.
        :returns: the device, found at ``/machine/peripheral/<id>``
        :raises GLib.Error: with nothing changed when it cannot be had
        """
        placed = []
        try:
            self.prepare()
            wanted = {"driver": driver, **({} if id is None else {"id": id})}
            for name, value in (properties or {}).items():
                try:
                    wanted[name] = self._place(value, placed)
                except GLib.Error as error:
                    text = f"property '{name}': {error.message}"
                    raise GLib.Error(text, error.domain, error.code) from None
            return self.add_device_json(json.dumps(wanted))
        except Exception:
            for back_end in reversed(placed):
                back_end.remove()
            raise

    def add_object(self, object, id=None):
        return super().add_object(object, id)

    add_object.__doc__ = StratoVirt.Machine.add_object.__doc__


__all__.append("Machine")


@override
class RemoteObject(StratoVirt.RemoteObject):
    __doc__ = StratoVirt.RemoteObject.__doc__
    locals().update(_methods(StratoVirt.RemoteObject))
    props = _PropertiesOf()

    def get_property(self, name):
        """The value of a property, from the VM; raises GLib.Error when it does not tell."""
        return _native(self.read(name.replace("_", "-"), None))

    def set_property(self, name, value):
        """Sets a property; raises GLib.Error when the VM refuses."""
        self.set_value(_find(self, name).nick, value, None)

    def __bool__(self):
        """An object without children is one, too."""
        return True


__all__.append("RemoteObject")


def _variant(value):
    """What a command's arguments are in D-Bus's words."""
    if value is None or isinstance(value, GLib.Variant):
        return value
    if isinstance(value, dict):
        return GLib.Variant("a{sv}", {name: _variant(inner) for name, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return GLib.Variant("av", [_variant(inner) for inner in value])
    if isinstance(value, RemoteObject):
        return GLib.Variant("s", value.get_path())
    for kind, letter in ((bool, "b"), (int, "x"), (float, "d"), (str, "s")):
        if isinstance(value, kind):
            return GLib.Variant(letter, value)
    raise TypeError(f"a command takes no {type(value).__name__}")


@override
class QmpClient(StratoVirt.QmpClient):
    __doc__ = StratoVirt.QmpClient.__doc__
    locals().update(_methods(StratoVirt.QmpClient))

    def execute(self, command, arguments=None, fds=None, cancellable=None):
        return super().execute(command, _variant(arguments), fds, cancellable)

    def execute_async(self, command, arguments, fds, cancellable, callback, *user_data):
        super().execute_async(command, _variant(arguments), fds, cancellable, callback, *user_data)

    execute.__doc__ = StratoVirt.QmpClient.execute.__doc__
    execute_async.__doc__ = StratoVirt.QmpClient.execute_async.__doc__
    execute_async = _awaitable("execute_async", execute_async, StratoVirt.QmpClient.execute_finish,
                               ("command", "arguments", "fds", "cancellable"))


__all__.append("QmpClient")


def _describe_others():
    """The same for all other classes that have methods."""
    owners = {name.partition(".")[0] for name in _documentation.texts() if "." in name}
    for name in sorted(owners - set(__all__)):
        base = getattr(StratoVirt, name)
        methods = _methods(base) if isinstance(base, type) else {}
        if methods:
            globals()[name] = override(type(base)(name, (base,), {"__doc__": base.__doc__, **methods}))
            __all__.append(name)


_describe_others()
