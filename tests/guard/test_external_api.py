#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""external-api as a program: its options, its first line, and its end. TAP.

test_external_api.py PROGRAM
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
NOBODY = 'http://127.0.0.1:1/identity'
cases = []


def case(good, name):
    cases.append(good)
    print('ok' if good else 'not ok', len(cases), '-', name, flush=True)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def refused(status, word, *arguments):
    answer = run(*arguments)
    case(answer.returncode == status and answer.stdout == '' and word in answer.stderr and
         answer.stderr.count('\n') == 1, f'{" ".join(arguments)!r} is refused: {status}, {word}')


def check_options(folder):
    data = os.path.join(folder, 'data.db')
    answer = run('--help')
    case(answer.returncode == 0 and '--authority URL' in answer.stdout, '--help')
    answer = run('--version')
    case(answer.returncode == 0 and answer.stdout.startswith('external-api '), '--version')
    refused(2, '--authority', '--data', data)
    refused(2, '--nonsense', '--nonsense')
    refused(2, '--listen', '--authority', NOBODY, '--listen')
    refused(2, 'more', '--authority', NOBODY, 'more')
    refused(2, 'http://login.example.com', '--authority', 'http://login.example.com', '--data', data)
    refused(2, 'audience', '--authority', NOBODY, '--audience', 'a"b', '--data', data)
    refused(2, 'scope', '--authority', NOBODY, '--scope', 'a b', '--data', data)
    refused(2, 'clock', '--authority', NOBODY, '--clock', '/nonexistent', '--data', data)
    refused(2, '--listen', '--authority', NOBODY, '--listen', 'nowhere', '--data', data)
    refused(5, '/nonexistent/x', '--authority', NOBODY, '--listen', '127.0.0.1:0',
            '--data', '/nonexistent/x')
    case(not os.path.exists(data), 'a wrong option creates nothing')
    with socket.create_server(('127.0.0.1', 0)) as taken:
        address = '127.0.0.1:%d' % taken.getsockname()[1]
        refused(1, address, '--authority', NOBODY, '--listen', address, '--data', data)


def ask(port, path, **fields):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    connection.request('GET', path, headers=fields)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def check_serving(folder, ending):
    data = os.path.join(folder, 'data.db')
    with subprocess.Popen([PROGRAM, '--authority', NOBODY, '--listen', '127.0.0.1:0',
                           '--data', data], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as server:
        line = server.stdout.readline()
        case(line.startswith('listening on http://127.0.0.1:'), 'the first line names the address')
        port = int(line.rsplit(':', 1)[1])
        answer, body = ask(port, '/api/v1/sites')
        case(answer.status == 401 and b'"status":401' in body and
             answer.getheader('WWW-Authenticate') == 'Bearer realm="external-api"', 'no token: 401')
        answer, _ = ask(port, '/api/v1/sites?access_token=abc')
        case(answer.status == 401 and 'error' not in answer.getheader('WWW-Authenticate'),
             'a token in the query is none')
        # {"alg":"ES256","typ":"at+jwt","kid":"k"}, {}, 64 zero bytes
        token = ('eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsifQ.e30.' + 'A' * 86)
        answer, body = ask(port, '/api/v1/sites', Authorization='Bearer ' + token)
        case(answer.status == 503 and answer.getheader('Retry-After') == '5',
             'a token that can not be verified yet: 503')
        refusal = body
        answer, body = ask(port, '/' + 'x' * 5000)
        case(answer.status == 414 and
             answer.getheader('Content-Type') == 'application/problem+json' and
             json.loads(body)['status'] == 414 and json.loads(body)['title'] == 'URI Too Long',
             'what HTTP itself forbids is refused in the same form')
        server.send_signal(ending)
        case(server.wait(60) == 0, f'{ending.name} ends it well')
        line = json.loads(server.stderr.readline())
        case(line['level'] == 'warning' and line['event'] == 'keys_unavailable' and
             'http://127.0.0.1:1 ' in line['reason'] and b'127.0.0.1' not in refusal,
             'the operator is told why, and not the client')
    case(os.path.getsize(data) > 0, 'the data stays')


with tempfile.TemporaryDirectory() as temporary:
    check_options(temporary)
    check_serving(temporary, signal.SIGTERM)
    check_serving(temporary, signal.SIGINT)
print(f'1..{len(cases)}')
sys.exit(0 if all(cases) else 1)
