"""Options read from a program's source: argparse, click, typer, fire, absl, dataclasses. Nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from honing.contract.hints.option import Option

Function = ast.FunctionDef | ast.AsyncFunctionDef
_TYPES = {"int": "int", "float": "float", "str": "str", "bool": "bool", "Path": "path", "FileType": "path"}
_FLAGS = ("store_true", "store_false", "store_const", "count")
_ABSL = {"DEFINE_string": "str", "DEFINE_integer": "int", "DEFINE_float": "float", "DEFINE_enum": "str",
         "DEFINE_bool": "bool", "DEFINE_boolean": "bool", "DEFINE_list": "str"}  # fmt: skip


def declared_options(tree: ast.Module, *, file: str) -> list[Option]:
    """Every option that a module declares, in the order of its source.

    Args:
        tree: The parsed module.
        file: Its path, for the anchors.
    """
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found: list[Option] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += _from_call(node, file, functions, classes)
        elif isinstance(node, Function):
            found += _from_decorators(node, file)
    unique = {(option.name, option.anchor): option for option in found}
    return sorted(unique.values(), key=lambda option: int(option.anchor.rsplit(":", 1)[-1]))


def _from_call(
    call: ast.Call, file: str, functions: Mapping[str, Function], classes: Mapping[str, ast.ClassDef]
) -> Iterator[Option]:
    name = _last_name(call.func)
    if name == "add_argument":
        yield from _argument(call, file)
    elif name in _ABSL and len(call.args) >= 2:
        yield from _absl(call, _ABSL[name], file)
    elif name == "Fire" or (name == "run" and _first_name(call.func) == "typer"):
        for target in _fired(call):
            if target in functions:
                yield from _parameters(functions[target], file)
    elif name == "HfArgumentParser" and call.args:
        for part in ast.walk(call.args[0]):
            if isinstance(part, ast.Name) and part.id in classes:
                yield from _fields(classes[part.id], file)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _first_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _fired(call: ast.Call) -> list[str]:
    target = call.args[0] if call.args else None
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Dict):
        return [value.id for value in target.values if isinstance(value, ast.Name)]
    return []


def _argument(call: ast.Call, file: str) -> Iterator[Option]:
    names = [text for text in map(_constant_text, call.args) if text]
    if not names:
        return
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    long = next((name for name in names if name.startswith("--")), names[0])
    positional = not long.startswith("-")
    yield Option(
        name=long,
        aliases=tuple(name for name in names if name != long),
        choices=_choices(given.get("choices")) or _click_choices(given.get("type")),
        default=_default(given.get("default")),
        required=(positional and not _text(given.get("nargs")).startswith(("?", "*")))
        or _text(given.get("required")) == "True",
        flag=_text(given.get("action")).strip("'") in _FLAGS,
        type=_type(given.get("type")),
        help=_help(given.get("help")),
        anchor=f"{file}:{call.lineno}",
    )


def _absl(call: ast.Call, kind: str, file: str) -> Iterator[Option]:
    name = _constant_text(call.args[0])
    if name:
        enumerated = call.args[2] if len(call.args) > 3 else None
        yield Option(
            name=f"--{name}",
            choices=_choices(enumerated),
            default=_default(call.args[1]),
            flag=kind == "bool",
            type=kind,
            help=_help(call.args[-1]) if len(call.args) > 2 else "",
            anchor=f"{file}:{call.lineno}",
        )


def _parameters(function: Function, file: str) -> Iterator[Option]:
    """The parameters of a function that `fire` or `typer` turns into options."""
    positional = function.args.posonlyargs + function.args.args
    padding: list[ast.expr | None] = [None] * (len(positional) - len(function.args.defaults))
    pairs = [*zip(positional, [*padding, *function.args.defaults], strict=True)]
    pairs += [*zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]
    for argument, default in pairs:
        if argument.arg in ("self", "cls", "ctx"):
            continue
        declared = default if isinstance(default, ast.Call) else _annotated(argument.annotation)
        names = _typer_names(declared)
        value = _typer_default(default, declared)
        yield Option(
            name=names[0] if names else f"--{argument.arg}",
            aliases=tuple(names[1:]),
            choices=_literal(argument.annotation),
            default=_default(value),
            required=value is None or (isinstance(value, ast.Constant) and value.value is Ellipsis),
            flag=_text(value) in ("True", "False"),
            type=_type(argument.annotation),
            help=next((_help(one.value) for one in _keywords(declared) if one.arg == "help"), ""),
            anchor=f"{file}:{argument.lineno}",
        )


def _annotated(annotation: ast.expr | None) -> ast.Call | None:
    """The `typer.Option(...)` inside `Annotated[...]`."""
    if isinstance(annotation, ast.Subscript) and _last_name(annotation.value) == "Annotated":
        return next((part for part in ast.walk(annotation.slice) if isinstance(part, ast.Call)), None)
    return None


def _keywords(call: ast.Call | None) -> list[ast.keyword]:
    return call.keywords if call is not None else []


def _typer_names(call: ast.Call | None) -> list[str]:
    if call is None or _last_name(call.func) != "Option":
        return []
    names = [name for name in map(_constant_text, call.args) if name.startswith("-")]
    return sorted((name.split("/")[0] for name in names), key=lambda name: not name.startswith("--"))


def _typer_default(default: ast.expr | None, declared: ast.Call | None) -> ast.expr | None:
    if isinstance(default, ast.Call) and default is declared:
        first = default.args[0] if default.args else None
        return None if isinstance(first, ast.Constant) and first.value is Ellipsis else first
    return default


def _fields(node: ast.ClassDef, file: str) -> Iterator[Option]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            given = {
                key.arg: key.value
                for key in _keywords(one.value if isinstance(one.value, ast.Call) else None)
            }
            value = given.get("default") if isinstance(one.value, ast.Call) else one.value
            metadata = given.get("metadata")
            yield Option(
                name=f"--{one.target.id}",
                choices=_literal(one.annotation),
                default=_default(value),
                required=value is None and "default_factory" not in given,
                flag=_text(value) in ("True", "False"),
                type=_type(one.annotation),
                help=_help(metadata.values[0]) if isinstance(metadata, ast.Dict) and metadata.values else "",
                anchor=f"{file}:{one.lineno}",
            )


def _from_decorators(function: Function, file: str) -> Iterator[Option]:
    commands = [node for node in function.decorator_list if isinstance(node, ast.Call)]
    for call in commands:
        name = _last_name(call.func)
        if name in ("option", "argument"):
            yield from _argument(call, file)
        elif name in ("command", "callback") and _typed(function):
            yield from _parameters(function, file)


def _typed(function: Function) -> bool:
    """Whether a command takes its options from its parameters (typer), and not from decorators (click)."""
    names = [_last_name(node.func) for node in function.decorator_list if isinstance(node, ast.Call)]
    return not {"option", "argument", "pass_context"}.intersection(names)


def _constant_text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _text(node: ast.expr | None) -> str:
    return ast.unparse(node) if node is not None and isinstance(node, ast.Constant) else ""


def _default(node: ast.expr | None) -> str | None:
    if node is None:
        return None
    if isinstance(node, ast.Constant):
        return None if node.value in (None, Ellipsis) else str(node.value)
    return ast.unparse(node)[:200]


def _help(node: ast.expr | None) -> str:
    parts = (
        [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)] if node is not None else []
    )
    return " ".join(" ".join(part for part in parts if isinstance(part, str)).split())[:500]


def _choices(node: ast.expr | None) -> tuple[str, ...]:
    if isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return tuple(str(part.value) for part in node.elts if isinstance(part, ast.Constant))
    return ()


def _click_choices(node: ast.expr | None) -> tuple[str, ...]:
    """The members of a `Choice`; `...` where they stand elsewhere, since the set is fixed all the same."""
    if not isinstance(node, ast.Call) or _last_name(node.func) != "Choice":
        return ()
    return _choices(node) or ("...",)


def _literal(annotation: ast.expr | None) -> tuple[str, ...]:
    for part in ast.walk(annotation) if annotation is not None else ():
        if isinstance(part, ast.Subscript) and _last_name(part.value) == "Literal":
            found = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
            return tuple(str(one.value) for one in found if isinstance(one, ast.Constant))
    return ()


def _type(node: ast.expr | None) -> str:
    names = (
        [_last_name(part) for part in ast.walk(node) if isinstance(part, ast.expr)]
        if node is not None
        else []
    )
    return next((_TYPES[name] for name in names if name in _TYPES), "")
