// SPDX-License-Identifier: Apache-2.0
// oauth4webapi 2, by its own API: strict about content types, the issuer and (RFC 9068) the token.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { session, step } from './session.mjs';

// Node 18 has Web Crypto, but not yet as a global, where oauth4webapi looks for it.
globalThis.crypto ??= webcrypto;

const client = { client_id: session.clientId, token_endpoint_auth_method: 'none' };
const authority = new URL(session.authority);

const server = await step('discovery', async () =>
  oauth.processDiscoveryResponse(authority, await oauth.discoveryRequest(authority)));
await step('discovery of RFC 8414', async () => {
  const found = await oauth.processDiscoveryResponse(
    authority, await oauth.discoveryRequest(authority, { algorithm: 'oauth2' }));
  assert.deepEqual(found, server);
});

async function grant(password) {
  const answer = await oauth.genericTokenEndpointRequest(server, client, 'password', {
    username: session.username,
    password,
  });
  return oauth.processAuthorizationCodeOAuth2Response(server, client, answer);
}

async function read(token, site, status) {
  const answer = await oauth.protectedResourceRequest(
    token.access_token, 'GET', new URL(session.plans(site)));
  assert.equal(answer.status, status);
  assert(await answer.json());
}

const token = await step('password grant', async () => {
  const tokens = await grant(session.password);
  assert(!oauth.isOAuth2Error(tokens), JSON.stringify(tokens));
  assert.equal(tokens.token_type, 'bearer'); // which oauth4webapi lower-cases
  assert.equal(tokens.expires_in, 3600);
  return tokens;
});
await step('token verifies', async () => {
  const claims = await oauth.validateJwtAccessToken(
    server,
    new Request(session.plans(session.site), {
      headers: { authorization: `Bearer ${token.access_token}` },
    }),
    'external-api');
  assert.equal(claims.client_id, session.clientId);
  assert.equal(claims.adit.site, session.site);
});
await step('own site', () => read(token, session.site, 200));
await step('other site', () => read(token, session.otherSite, 404));
const fresh = await step('refresh', async () => {
  const tokens = await oauth.processRefreshTokenResponse(
    server, client, await oauth.refreshTokenGrantRequest(server, client, token.refresh_token));
  assert(!oauth.isOAuth2Error(tokens), JSON.stringify(tokens));
  assert.notEqual(tokens.refresh_token, token.refresh_token);
  return tokens;
});
await step('own site after refresh', () => read(fresh, session.site, 200));
await step('wrong password', async () => {
  const error = await grant(`${session.password}x`);
  assert(oauth.isOAuth2Error(error));
  assert.equal(error.error, 'invalid_grant');
  assert.equal(error.error_description, 'invalid_username_or_password');
});
