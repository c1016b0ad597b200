#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns data/qmp-schema/*.json into the C tables behind validation and introspection.

usage: gen-schema.py --output FILE.c --schema FILE.json... --handlers FILE.c...

The schema has the shape of QEMU's QAPI: see data/qmp-schema/README.md. Fails when a definition is wrong,
undocumented or unused, when a command has no SV_QMP_COMMAND () handler, or a handler no command.
"""

import argparse
import json
import re
import sys
from pathlib import Path

# Built-in types: name -> (kind in C, minimum, maximum, type and JSON type in introspection)
INTEGERS = {
    'int': (-2**63, 2**63 - 1), 'int8': (-2**7, 2**7 - 1), 'int16': (-2**15, 2**15 - 1),
    'int32': (-2**31, 2**31 - 1), 'int64': (-2**63, 2**63 - 1),
    'uint8': (0, 2**8 - 1), 'uint16': (0, 2**16 - 1), 'uint32': (0, 2**32 - 1),
    'uint64': (0, 2**64 - 1), 'size': (0, 2**64 - 1),
}
BUILTINS = {name: ('INTEGER', 'int', 'int') for name in INTEGERS} | {
    'str': ('STRING', 'str', 'string'),
    'number': ('NUMBER', 'number', 'number'),
    'bool': ('BOOLEAN', 'bool', 'boolean'),
    'null': ('NULL', 'null', 'null'),
    'any': ('ANY', 'any', 'value'),
}
META = ('command', 'event', 'struct', 'union', 'enum', 'alternate')
KEYS = {
    'command': {'doc', 'data', 'discriminator', 'variants', 'returns', 'returns-doc', 'features', 'open', 'example'},
    'event': {'doc', 'data', 'features', 'example'},
    'struct': {'doc', 'data', 'base', 'features', 'open'},
    'union': {'doc', 'base', 'discriminator', 'data', 'features'},
    'enum': {'doc', 'data', 'features'},
    'alternate': {'doc', 'data', 'features'},
}


class SchemaError(Exception):
    """What is wrong, with the file and definition it is wrong in."""


class Definition:
    """One definition of a schema file."""

    def __init__(self, path, node):
        kinds = [meta for meta in META if meta in node]
        if len(kinds) != 1:
            raise SchemaError(f'{path}: a definition needs exactly one of {", ".join(META)}: {node}')
        self.meta = kinds[0]
        self.name = node[self.meta]
        self.where = f'{path}: {self.meta} {self.name}'
        self.node = node
        unknown = set(node) - KEYS[self.meta] - {self.meta}
        if unknown:
            raise SchemaError(f'{self.where}: unknown key {sorted(unknown)[0]}')
        if not node.get('doc'):
            raise SchemaError(f'{self.where}: not documented')

    def members(self):
        """(name, optional, type, node) of each member of a struct, command or event."""
        return self.read_members(self.node.get('data', {}))

    def read_members(self, data):
        for key, member in data.items():
            if not isinstance(member, dict) or 'type' not in member:
                raise SchemaError(f'{self.where}: member {key} needs a type')
            if not member.get('doc'):
                raise SchemaError(f'{self.where}: member {key} is not documented')
            yield key.removeprefix('*'), key.startswith('*'), member['type'], member


class Schema:
    """All definitions, checked against each other."""

    def __init__(self, paths):
        self.definitions = {}
        for path in sorted(paths):
            document = json.loads(Path(path).read_text(encoding='utf-8'))
            for node in document['definitions']:
                definition = Definition(Path(path).name, node)
                if definition.name in self.definitions or definition.name in BUILTINS:
                    raise SchemaError(f'{definition.where}: defined twice')
                self.definitions[definition.name] = definition
        used = set()
        for definition in self.definitions.values():
            for name in self.references(definition):
                if name not in BUILTINS and self.types().get(name) is None:
                    raise SchemaError(f'{definition.where}: unknown type {name}')
                used.add(name)
        for name, definition in self.types().items():
            if name not in used:
                raise SchemaError(f'{definition.where}: used by nothing')

    def of(self, *metas):
        return sorted((d for d in self.definitions.values() if d.meta in metas),
                      key=lambda d: d.name)

    def types(self):
        return {d.name: d for d in self.definitions.values() if d.meta not in ('command', 'event')}

    def references(self, definition):
        node = definition.node
        types = []
        if definition.meta == 'alternate':
            types += node['data'].values()
        elif definition.meta == 'union':
            types += list(node['data'].values()) + [m[2] for m in self.union_base(definition)]
        elif definition.meta != 'enum':
            types += [member[2] for member in definition.members()]
            types += node.get('variants', {}).values()
        types += [node[key] for key in ('base', 'returns') if isinstance(node.get(key), (str, list))]
        for name in types:
            yield name[0] if isinstance(name, list) else name

    def union_base(self, definition):
        base = definition.node['base']
        if isinstance(base, str):
            return self.all_members(self.definitions[base])
        return list(definition.read_members(base))

    def all_members(self, definition):
        """Members of a struct, its base's first."""
        base = definition.node.get('base')
        inherited = self.all_members(self.definitions[base]) if base else []
        return inherited + list(definition.members())

    def enum_values(self, definition):
        for value in definition.node['data']:
            if not value.get('doc'):
                raise SchemaError(f'{definition.where}: value {value["name"]} is not documented')
        return [value['name'] for value in definition.node['data']]


class Introspection:
    """The reply to query-qmp-schema: SchemaInfo objects, types named by numbers."""

    def __init__(self, schema):
        self.schema = schema
        self.numbers = {}
        self.queue = []
        self.entries = []
        for command in schema.of('command'):
            self.add(command, 'command', {
                'arg-type': self.arguments(command),
                'ret-type': self.type(command.node['returns'])
                            if 'returns' in command.node else self.empty()})
        for event in schema.of('event'):
            self.add(event, 'event', {'arg-type': self.arguments(event)})
        while self.queue:
            self.entries.append(self.queue.pop(0)())

    def add(self, definition, meta, extra):
        entry = {'name': definition.name, 'meta-type': meta, **extra}
        features = definition.node.get('features')
        if features:
            entry['features'] = features
        self.entries.append(entry)

    def number(self, key, make):
        if key not in self.numbers:
            self.numbers[key] = str(len(self.numbers))
            name = self.numbers[key]
            self.queue.append(lambda: make(name))
        return self.numbers[key]

    def empty(self):
        return self.number('{}', lambda name: self.object(name, []))

    def arguments(self, definition):
        members = list(definition.members())
        if not members:
            return self.empty()
        return self.number(f'{definition.name}-arg', lambda name: self.object(name, members, self.variants(definition)))

    def variants(self, definition):
        """Those of an open command, which checks them as properties."""
        if 'variants' not in definition.node:
            return {}
        return {'tag': definition.node['discriminator'],
                'variants': [{'case': case, 'type': self.type(kind)}
                             for case, kind in definition.node['variants'].items()]}

    def object(self, name, members, extra=None):
        entry = {'name': name, 'meta-type': 'object', 'members': []}
        for member, optional, kind, node in members:
            item = {'name': member, 'type': self.type(kind)}
            if optional:
                item['default'] = None
            if node.get('features'):
                item['features'] = node['features']
            entry['members'].append(item)
        return entry | (extra or {})

    def builtin(self, name):
        masked, json_type = BUILTINS[name][1:]
        key = f'builtin {masked}'
        if key not in self.numbers:
            self.numbers[key] = masked
            self.queue.append(
                lambda: {'name': masked, 'meta-type': 'builtin', 'json-type': json_type})
        return masked

    def type(self, name):
        if isinstance(name, list):
            element = self.type(name[0])
            key = f'[{element}]'
            if key not in self.numbers:
                self.numbers[key] = key
                self.queue.append(
                    lambda: {'name': key, 'meta-type': 'array', 'element-type': element})
            return key
        if name in BUILTINS:
            return self.builtin(name)
        definition = self.schema.definitions[name]
        return self.number(name, lambda number: getattr(self, definition.meta)(number, definition))

    def struct(self, name, definition):
        return self.object(name, self.schema.all_members(definition))

    def union(self, name, definition):
        return self.object(name, self.schema.union_base(definition), {
            'tag': definition.node['discriminator'],
            'variants': [{'case': case, 'type': self.type(kind)}
                         for case, kind in definition.node['data'].items()]})

    def enum(self, name, definition):
        values = self.schema.enum_values(definition)
        return {'name': name, 'meta-type': 'enum', 'members': [{'name': v} for v in values],
                'values': values}

    def alternate(self, name, definition):
        return {'name': name, 'meta-type': 'alternate',
                'members': [{'type': self.type(kind)} for kind in definition.node['data'].values()]}


class Tables:
    """The C tables. Names are offsets into one string and types are indices, so that nothing but the
    list of handlers needs relocation when the program starts."""

    def __init__(self, schema):
        self.schema = schema
        self.strings = {}
        self.pool_size = 0
        self.numbers = {}
        self.types = []
        self.members = []
        self.commands = []
        for command in schema.of('command'):
            self.commands.append((command.name, self.arguments(command),
                                  self.type(command.node['returns'])
                                  if 'returns' in command.node else self.arguments(None)))
        self.events = [(event.name, self.arguments(event)) for event in schema.of('event')]
        for row in self.commands + self.events:
            self.string(row[0])
        if self.pool_size > 0xffff or len(self.types) > 0xffff or len(self.members) > 0xffff:
            raise SchemaError('schema: the tables have outgrown 16-bit indices')

    def string(self, text):
        if text not in self.strings:
            self.strings[text] = self.pool_size
            self.pool_size += len(text.encode()) + 1
        return self.strings[text]

    def new_type(self, key, name, kind, **fields):
        """Reserves the number first: types may refer to themselves."""
        self.numbers[key] = len(self.types)
        self.types.append({'name': self.string(name), 'kind': f'SV_QMP_TYPE_{kind}', **fields})
        return self.numbers[key]

    def set_members(self, number, members):
        rows = [(self.string(name), self.type(kind), int(optional))
                for name, optional, kind, _ in members]
        self.types[number]['first'] = len(self.members)
        self.types[number]['n'] = len(rows)
        self.members += rows

    def arguments(self, definition):
        key = f'{definition.name}-arg' if definition else '{}'
        if key in self.numbers:
            return self.numbers[key]
        number = self.new_type(key, key, 'STRUCT',
                               open=int(bool(definition and definition.node.get('open'))))
        self.set_members(number, definition.members() if definition else [])
        return number

    def type(self, name):
        if isinstance(name, list):
            key = f'[{name[0]}]'
            if key not in self.numbers:
                number = self.new_type(key, key, 'ARRAY')
                self.types[number]['element'] = self.type(name[0])
            return self.numbers[key]
        if name in self.numbers:
            return self.numbers[name]
        if name in BUILTINS:
            fields = {}
            if name in INTEGERS:
                low, high = INTEGERS[name]
                fields = {'minimum': 'G_MININT64' if low == -2**63 else low,
                          'maximum': 'G_MAXINT64' if high >= 2**63 - 1 else high}
            return self.new_type(name, name, BUILTINS[name][0], **fields)
        definition = self.schema.definitions[name]
        number = self.new_type(name, name, definition.meta.upper(),
                               open=int(bool(definition.node.get('open'))))
        if definition.meta == 'struct':
            self.set_members(number, self.schema.all_members(definition))
        elif definition.meta == 'enum':
            self.set_members(number, [(v, False, 'null', {})
                                      for v in self.schema.enum_values(definition)])
        elif definition.meta == 'alternate':
            self.set_members(number, [(k, False, t, {}) for k, t in definition.node['data'].items()])
        else:
            self.union(number, definition)
        return number

    def union(self, number, definition):
        base = self.schema.union_base(definition)
        tag = definition.node['discriminator']
        kinds = [m[2] for m in base if m[0] == tag]
        if len(kinds) != 1 or self.schema.definitions[kinds[0]].meta != 'enum':
            raise SchemaError(f'{definition.where}: {tag} is no enum member of the base')
        cases = self.schema.enum_values(self.schema.definitions[kinds[0]])
        for case, kind in definition.node['data'].items():
            if case not in cases or self.schema.definitions[kind].meta != 'struct':
                raise SchemaError(f'{definition.where}: {case} is no value of {kinds[0]}, '
                                  f'or {kind} no struct')
        variants = f'{definition.name} variants'
        element = self.new_type(variants, variants, 'STRUCT')
        self.set_members(element, [(c, True, k, {}) for c, k in definition.node['data'].items()])
        self.set_members(number, base)
        self.types[number]['element'] = element
        self.types[number]['tag'] = [m[0] for m in base].index(tag)

    def render(self, introspection):
        lines = ['/* Made from data/qmp-schema by qmp/gen-schema.py. */', '',
                 '#include "qmp/sv-qmp-command.h"', '#include "qmp/sv-qmp-schema.h"', '']
        lines += ['const char sv_qmp_schema_strings[] ='] \
            + [f'  {c_string(text)} "\\0"' for text in self.strings] + ['  "";', '']
        lines += ['const SvQmpType sv_qmp_schema_types[] = {']
        for row in self.types:
            lines.append('  { ' + ', '.join(f'.{k} = {v}' for k, v in row.items() if v != 0
                                            or k == 'kind') + ' },')
        lines += ['};', '', 'const SvQmpMember sv_qmp_schema_members[] = {']
        lines += [f'  {{ {name}, {kind}, {optional} }},' for name, kind, optional in self.members]
        lines += ['};', '']
        lines += [f'SvQmpHandler sv_qmp_command_{c_name(name)};' for name, _, _ in self.commands]
        lines += ['', 'const SvQmpCommand sv_qmp_schema_commands[] = {']
        lines += [f'  {{ {self.strings[name]}, {arguments}, {returns}, '
                  f'sv_qmp_command_{c_name(name)} }},'
                  for name, arguments, returns in self.commands]
        lines += ['};', '', f'const guint sv_qmp_schema_n_commands = {len(self.commands)};', '',
                  'const SvQmpEvent sv_qmp_schema_events[] = {']
        lines += [f'  {{ {self.strings[name]}, {arguments} }},' for name, arguments in self.events]
        lines += ['};', '', f'const guint sv_qmp_schema_n_events = {len(self.events)};', '',
                  'const char sv_qmp_schema_json[] =']
        lines += [f'  {c_string(("[" if i == 0 else ",") + json.dumps(entry, separators=(",", ":")))}'
                  for i, entry in enumerate(introspection.entries)]
        lines += ['  "]";', '']
        return '\n'.join(lines)


def c_string(text):
    return json.dumps(text)


def c_name(name):
    return name.replace('-', '_')


def check_handlers(schema, paths):
    """Every command has one handler, every handler a command."""
    handlers = {}
    for path in paths:
        text = Path(path).read_text(encoding='utf-8')
        for name in re.findall(r'^SV_QMP_COMMAND \((\w+)\)', text, re.M):
            if name in handlers:
                raise SchemaError(f'{path}: SV_QMP_COMMAND ({name}) is in {handlers[name]} too')
            handlers[name] = path
    commands = {c_name(command.name): command for command in schema.of('command')}
    for name in sorted(set(commands) - set(handlers)):
        raise SchemaError(f'{commands[name].where}: no SV_QMP_COMMAND ({name}) in qmp/')
    for name in sorted(set(handlers) - set(commands)):
        raise SchemaError(f'{handlers[name]}: SV_QMP_COMMAND ({name}) is not in data/qmp-schema')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--output', required=True)
    parser.add_argument('--schema', nargs='+', required=True)
    parser.add_argument('--handlers', nargs='+', required=True)
    args = parser.parse_args()
    try:
        schema = Schema(args.schema)
        check_handlers(schema, args.handlers)
        tables = Tables(schema)
        text = tables.render(Introspection(schema))
    except (SchemaError, json.JSONDecodeError, KeyError) as error:
        print(f'gen-schema: {error}', file=sys.stderr)
        return 1
    Path(args.output).write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
