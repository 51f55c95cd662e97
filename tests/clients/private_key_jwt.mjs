// SPDX-License-Identifier: Apache-2.0
// openid-client 5 with private_key_jwt and client_credentials, by its own API.
import assert from 'node:assert/strict';
import { Issuer } from 'openid-client';
import { session, step } from './session.mjs';

const issuer = await step('discovery', async () => {
  const found = await Issuer.discover(session.authority);
  assert(found.metadata.token_endpoint_auth_methods_supported.includes('private_key_jwt'));
  return found;
});

for (const { client_id: clientId, jwk } of session.keyed) {
  const client = new issuer.Client({
    client_id: clientId,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: jwk.alg,
  }, { keys: [jwk] });
  const token = await step(`${jwk.alg}: client credentials`, async () => {
    const tokens = await client.grant({ grant_type: 'client_credentials', scope: 'cosmos' });
    assert.equal(tokens.token_type, 'Bearer');
    assert.equal(tokens.scope, 'cosmos');
    assert.equal(tokens.refresh_token, undefined);
    return tokens;
  });
  await step(`${jwk.alg}: one site and no other`, async () => {
    const statuses = [];
    for (const site of [session.site, session.otherSite]) {
      statuses.push((await client.requestResource(session.plans(site), token)).statusCode);
    }
    assert.deepEqual(statuses.sort(), [200, 404]);
  });
  await step(`${jwk.alg}: once more`, () => client.grant({ grant_type: 'client_credentials' }));
  await step(`${jwk.alg}: revocation`, () => client.revoke('unknown', 'refresh_token'));
  await step(`${jwk.alg}: another's key`, async () => {
    const other = session.keyed.find((one) => one.client_id !== clientId);
    const wrong = new issuer.Client({
      client_id: clientId,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: other.jwk.alg,
    }, { keys: [other.jwk] });
    await assert.rejects(wrong.grant({ grant_type: 'client_credentials' }),
      { error: 'invalid_client' });
  });
}
