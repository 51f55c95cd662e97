// SPDX-License-Identifier: Apache-2.0
// simple-oauth2 5, by its own API: Basic with an empty secret, its refresh included. It knows
// neither discovery nor the API; those are fetch's.
import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2';
import { session, step } from './session.mjs';

// Every request that simple-oauth2 sends is seen here; fetch's are not.
const authorizations = [];
diagnostics.channel('http.client.request.start').subscribe(({ request }) => {
  authorizations.push(request.getHeader('authorization'));
});
const emptySecret = `Basic ${Buffer.from(`${session.clientId}:`).toString('base64')}`;

const auth = await step('discovery', async () => {
  const answer = await fetch(`${session.authority}/.well-known/openid-configuration`);
  assert.equal(answer.status, 200);
  const metadata = await answer.json();
  assert.equal(metadata.issuer, session.authority);
  const endpoint = new URL(metadata.token_endpoint);
  return {
    tokenHost: endpoint.origin,
    tokenPath: endpoint.pathname,
    revokePath: new URL(metadata.revocation_endpoint).pathname,
  };
});
const client = new ResourceOwnerPassword({ client: { id: session.clientId, secret: '' }, auth });

const grant = (password) => client.getToken({ username: session.username, password });

async function read({ token }, site, status) {
  const answer = await fetch(session.plans(site), {
    headers: { Authorization: `Bearer ${token.access_token}` },
  });
  assert.equal(answer.status, status);
  if (status === 200) assert(await answer.json(), 'no plans');
}

function refused(wanted) {
  return (error) => {
    assert.equal(error.output.statusCode, 400);
    assert.equal(error.data.payload.error, 'invalid_grant');
    if (wanted) assert.equal(error.data.payload.error_description, wanted);
    return true;
  };
}

const token = await step('password grant', async () => {
  const access = await grant(session.password);
  assert.equal(access.token.token_type, 'Bearer');
  assert.deepEqual(access.token.scope.split(' ').sort(), ['cosmos', 'offline_access']);
  assert.equal(access.token.expires_in, 3600);
  assert(!access.expired());
  return access;
});
await step('own site', () => read(token, session.site, 200));
await step('other site', () => read(token, session.otherSite, 404));
const fresh = await step('refresh', async () => {
  const access = await token.refresh();
  assert(access.token.refresh_token);
  assert.notEqual(access.token.refresh_token, token.token.refresh_token);
  assert.notEqual(access.token.access_token, token.token.access_token);
  return access;
});
await step('own site after refresh', () => read(fresh, session.site, 200));
await step('wrong password', () => assert.rejects(
  grant(`${session.password}x`), refused('invalid_username_or_password')));
await step('revocation', async () => {
  await fresh.revoke('refresh_token');
  await assert.rejects(fresh.refresh(), refused());
  assert.deepEqual(authorizations, Array(5).fill(emptySecret));
});
await step('client credentials', async () => {
  const { client_id: id, client_secret: secret } = session.confidential;
  const access = await new ClientCredentials({ client: { id, secret }, auth }).getToken({});
  assert.equal(access.token.refresh_token, undefined);
  const statuses = [];
  for (const site of [session.site, session.otherSite]) {
    const answer = await fetch(session.plans(site), {
      headers: { Authorization: `Bearer ${access.token.access_token}` },
    });
    statuses.push(answer.status);
  }
  assert.deepEqual(statuses.sort(), [200, 404]);
});
