// SPDX-License-Identifier: Apache-2.0
// openid-client 5, by its own API.
import assert from 'node:assert/strict';
import { Issuer, errors } from 'openid-client';
import { session, step } from './session.mjs';

const issuer = await step('discovery', async () => {
  const found = await Issuer.discover(session.authority);
  assert.equal(found.issuer, session.authority);
  return found;
});
const client = new issuer.Client({
  client_id: session.clientId,
  token_endpoint_auth_method: 'none',
});

const grant = (password) =>
  client.grant({ grant_type: 'password', username: session.username, password });

async function read(token, site, status) {
  const answer = await client.requestResource(session.plans(site), token);
  assert.equal(answer.statusCode, status);
  if (status === 200) assert(JSON.parse(answer.body.toString()), 'no plans');
}

const token = await step('password grant', async () => {
  const tokens = await grant(session.password);
  assert.equal(tokens.token_type, 'Bearer');
  assert.deepEqual(tokens.scope.split(' ').sort(), ['cosmos', 'offline_access']);
  assert(!tokens.expired());
  assert.equal(tokens.id_token, undefined);
  return tokens;
});
await step('own site', () => read(token, session.site, 200));
await step('other site', () => read(token, session.otherSite, 404));
const fresh = await step('refresh', async () => {
  const tokens = await client.refresh(token);
  assert.notEqual(tokens.refresh_token, token.refresh_token);
  assert.notEqual(tokens.access_token, token.access_token);
  return tokens;
});
await step('own site after refresh', () => read(fresh, session.site, 200));
await step('wrong password', () =>
  assert.rejects(grant(`${session.password}x`), (error) => {
    assert(error instanceof errors.OPError);
    assert.equal(error.error, 'invalid_grant');
    assert.equal(error.error_description, 'invalid_username_or_password');
    assert.equal(error.response.statusCode, 400);
    return true;
  }));
await step('userinfo', async () => {
  const { access_token: accessToken } = await client.grant({
    grant_type: 'password',
    username: session.username,
    password: session.password,
    scope: 'openid',
  });
  const info = await client.userinfo(accessToken);
  assert.match(info.sub, /^su_/);
});
await step('revocation', async () => {
  await client.revoke(fresh.refresh_token, 'refresh_token');
  await assert.rejects(client.refresh(fresh.refresh_token), { error: 'invalid_grant' });
});
await step('client credentials', async () => {
  const robot = new issuer.Client(session.confidential);
  const tokens = await robot.grant({ grant_type: 'client_credentials' });
  assert.equal(tokens.refresh_token, undefined);
  const statuses = [];
  for (const site of [session.site, session.otherSite]) {
    statuses.push((await robot.requestResource(session.plans(site), tokens)).statusCode);
  }
  assert.deepEqual(statuses.sort(), [200, 404]);
});
