#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The QMP schema's generator refuses what would make protocol and code drift apart."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

GENERATOR = Path(__file__).parents[2] / 'qmp' / 'gen-schema.py'
MEMBER = {'type': 'str', 'doc': 'a member'}
GOOD = [
    {'command': 'do-it', 'doc': 'does it', 'data': {'a': MEMBER, '*b': {'type': ['Kind'], 'doc': 'kinds'}},
     'returns': 'Shape'},
    {'enum': 'Kind', 'doc': 'kinds', 'data': [{'name': 'x', 'doc': 'x'}, {'name': 'y', 'doc': 'y'}]},
    {'struct': 'Base', 'doc': 'base', 'data': {'kind': {'type': 'Kind', 'doc': 'which'}}},
    {'struct': 'Xs', 'doc': 'xs', 'data': {'self': {'type': ['Shape'], 'doc': 'inner'}}},
    {'union': 'Shape', 'doc': 'shapes', 'base': 'Base', 'discriminator': 'kind', 'data': {'x': 'Xs'}},
]
HANDLER = 'SV_QMP_COMMAND (do_it)\n{\n}\n'


class GenSchema(unittest.TestCase):
    def run_generator(self, definitions, handlers=HANDLER):
        with tempfile.TemporaryDirectory() as folder:
            schema = Path(folder) / 'schema.json'
            source = Path(folder) / 'commands.c'
            self.output = Path(folder) / 'out.c'
            schema.write_text(json.dumps({'definitions': definitions}), encoding='utf-8')
            source.write_text(handlers, encoding='utf-8')
            done = subprocess.run([sys.executable, GENERATOR, '--output', self.output, '--schema', schema,
                                   '--handlers', source],
                                  capture_output=True, text=True, check=False)
            text = self.output.read_text(encoding='utf-8') if self.output.exists() else None
            return done.returncode, done.stderr, text

    def refuse(self, definitions, message, handlers=HANDLER):
        status, errors, text = self.run_generator(definitions, handlers)
        self.assertEqual(status, 1)
        self.assertIn(message, errors)
        self.assertIsNone(text)

    def test_good(self):
        status, errors, text = self.run_generator(GOOD)
        self.assertEqual((status, errors), (0, ''))
        start = text.index('sv_qmp_schema_json[] =') + len('sv_qmp_schema_json[] =')
        entries = json.loads(''.join(json.loads(line.strip().rstrip(';'))
                                     for line in text[start:].strip().splitlines()))
        by_name = {entry['name']: entry for entry in entries}
        command = by_name['do-it']
        self.assertEqual(by_name[command['arg-type']]['members'],
                         [{'name': 'a', 'type': 'str'},
                          {'name': 'b', 'type': by_name[command['arg-type']]['members'][1]['type'],
                           'default': None}])
        union = by_name[command['ret-type']]
        self.assertEqual(union['tag'], 'kind')
        self.assertEqual([v['case'] for v in union['variants']], ['x'])
        variant = by_name[union['variants'][0]['type']]
        self.assertEqual(by_name[variant['members'][0]['type']]['element-type'], command['ret-type'])

    def test_command_without_handler(self):
        self.refuse(GOOD, 'command do-it: no SV_QMP_COMMAND (do_it)', handlers='')

    def test_handler_without_command(self):
        self.refuse(GOOD, 'SV_QMP_COMMAND (other) is not in data/qmp-schema',
                    handlers=HANDLER + 'SV_QMP_COMMAND (other)\n')

    def test_handler_twice(self):
        self.refuse(GOOD, 'SV_QMP_COMMAND (do_it) is in', handlers=HANDLER + HANDLER)

    def test_unknown_type(self):
        self.refuse(GOOD[:1], 'command do-it: unknown type Kind')

    def test_unused_type(self):
        self.refuse(GOOD + [{'struct': 'Idle', 'doc': 'idle', 'data': {}}], 'struct Idle: used by nothing')

    def test_undocumented(self):
        self.refuse([{'command': 'do-it'}], 'not documented')
        self.refuse([{'command': 'do-it', 'doc': 'x', 'data': {'a': {'type': 'str'}}}],
                    'member a is not documented')

    def test_unknown_key(self):
        self.refuse([{'command': 'do-it', 'doc': 'x', 'return': 'str'}], 'unknown key return')

    def test_defined_twice(self):
        self.refuse([GOOD[0]] + GOOD, 'defined twice')


if __name__ == '__main__':
    unittest.main()
