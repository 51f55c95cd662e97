#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Token revocation (RFC 7009): what it ends, and what it says."""
from harness import (PUBLIC, Data, Dev, Folder, Suite, basic, check, equal, refused, served,
                     side_by_side)

suite = Suite()
dev = Dev()
user = dev.users[0]


def revoke(token, server=dev, fields=(), **more):
    return server.post({'client_id': PUBLIC, 'token': token, **more}, fields,
                       target=server.path + '/connect/revocation')


def done(reply):
    equal((reply.status, reply.body), (200, b'{}'), f'status and body of {reply!r}')
    equal(reply.field('Cache-Control'), 'no-store', 'Cache-Control')


def dead(token, server=dev):
    refused(server.refresh(token), 'invalid_grant')


@suite.case('discovery names the endpoint')
def discovery():
    document = dev.get(dev.path + '/.well-known/openid-configuration').json
    equal(document['revocation_endpoint'], dev.issuer + '/connect/revocation', 'the endpoint')
    check('none' in document['revocation_endpoint_auth_methods_supported'], 'no public clients')


@suite.case('a token that was never redeemed')
def fresh():
    token = dev.sign_in(user)['refresh_token']
    done(revoke(token))
    dead(token)
    done(revoke(token))


@suite.case('a family, by its newest link and by an older one')
def family():
    for pick in (0, -1):
        links = [dev.sign_in(user)['refresh_token']]
        for _ in range(3):
            links.append(served(dev.refresh(links[-1])).json['refresh_token'])
        done(revoke(links[pick]))
        for link in links:
            dead(link)


@suite.case('other families of the same user live on')
def others():
    one, other = (dev.sign_in(user)['refresh_token'] for _ in range(2))
    done(revoke(one))
    served(dev.refresh(other))


@suite.case('the hint does not matter')
def hints():
    for hint in ('refresh_token', 'access_token', 'nonsense', ''):
        token = dev.sign_in(user)['refresh_token']
        done(revoke(token, token_type_hint=hint))
        dead(token)


# Requirement 33.
@suite.case('what is no token of ours is as good as revoked')
def unknown():
    token = dev.sign_in(user)['refresh_token']
    for text in ('x', 'adr_', 'adr_AAAA', token[:-1], token + 'A', 'adr_' + 'A' * 400, 'é', 'a.b'):
        done(revoke(text))
    served(dev.refresh(token))


@suite.case('an access token can not be revoked, and the client is told')
def access():
    token = dev.sign_in(user)['access_token']
    refused(revoke(token), 'unsupported_token_type')
    refused(revoke(token, token_type_hint='refresh_token'), 'unsupported_token_type')


@suite.case('another client\'s token is refused, and lives')
def another_client():
    client = dev.confidential
    form = {'grant_type': 'password', **{key: user[key] for key in ('username', 'password')}}
    header = basic(client['client_id'], client['client_secret'])
    token = served(dev.post(form, [header])).json['refresh_token']
    refused(revoke(token), 'invalid_grant')
    served(dev.post({'grant_type': 'refresh_token', 'refresh_token': token}, [header]))
    target = dev.path + '/connect/revocation'
    refused(dev.post({'token': token}, [basic(client['client_id'], 'wrong')], target=target),
            'invalid_client', 401)
    done(dev.post({'token': token}, [header], target=target))
    refused(dev.post({'grant_type': 'refresh_token', 'refresh_token': token}, [header]),
            'invalid_grant')


@suite.case('the shape of a request')
def shape():
    token = dev.sign_in(user)['refresh_token']
    target = dev.path + '/connect/revocation'
    refused(dev.get(target), 'invalid_request')
    refused(dev.post({'client_id': PUBLIC}, target=target), 'invalid_request')
    refused(dev.post({'client_id': PUBLIC, 'token': ''}, target=target), 'invalid_request')
    refused(dev.post({'token': token}, target=target), 'invalid_client')
    refused(dev.post({'client_id': 'nobody', 'token': token}, target=target), 'invalid_client')
    refused(dev.post({'client_id': PUBLIC, 'token': 'x' * 16385}, target=target),
            'invalid_request')
    refused(dev.post({'client_id': PUBLIC}, target=target + '?token=' + token), 'invalid_request')
    served(dev.refresh(token))


@suite.case('a race with a refresh: whichever comes first, nothing is left alive')
def race():
    for _ in range(10):
        token = dev.sign_in(user)['refresh_token']
        replies = side_by_side(16, lambda index: revoke(token) if index == 7
                               else dev.refresh(token))
        done(replies.pop(7))
        left = [token] + [reply.json['refresh_token'] for reply in replies if reply.status == 200]
        side_by_side(len(left), lambda index: dead(left[index]))


@suite.case('it lasts, and so it does in a file')
def lasts():
    with Folder() as folder:
        data = Data(folder)
        someone = data.user()
        server = data.serve()
        token = server.sign_in(someone)['refresh_token']
        used = server.sign_in(someone)['refresh_token']
        successor = served(server.refresh(used)).json['refresh_token']
        done(revoke(token, server))
        done(revoke(used, server))
        server.kill()
        server = data.serve()
        for gone in (token, used, successor):
            dead(gone, server)
        server.stop()


suite.main(dev)
