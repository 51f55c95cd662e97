// SPDX-License-Identifier: Apache-2.0
// npm's jose verifies an access token by the published JWKS, and refuses a changed one.
import assert from 'node:assert/strict';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { session, step } from './session.mjs';

const metadata = await step('discovery', async () => {
  const answer = await fetch(`${session.authority}/.well-known/openid-configuration`);
  assert.equal(answer.status, 200);
  return answer.json();
});
const token = await step('password grant', async () => {
  const answer = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      username: session.username,
      password: session.password,
      client_id: session.clientId,
    }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).access_token;
});

const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const options = {
  issuer: session.authority,
  audience: 'external-api',
  typ: 'at+jwt',
  algorithms: ['ES256'],
  requiredClaims: ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'auth_time'],
};

await step('token verifies', async () => {
  const { payload, protectedHeader } = await jwtVerify(token, keys, options);
  assert.equal(payload.client_id, session.clientId);
  assert.equal(payload.adit.site, session.site);
  assert.equal(payload.adit.kind, 'service');
  assert.match(payload.sub, /^su_/);
  assert(protectedHeader.kid);
});
await step('changed token refused', () => {
  const [head, body, signature] = token.split('.');
  const changed = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1);
  return assert.rejects(jwtVerify(`${head}.${body}.${changed}`, keys, options),
    errors.JWSSignatureVerificationFailed);
});
await step('other audience refused', () =>
  assert.rejects(jwtVerify(token, keys, { ...options, audience: 'another-api' }),
    errors.JWTClaimValidationFailed));
