// SPDX-License-Identifier: Apache-2.0
// npm's oidc-provider, certified, as an authority that libadit and `adit` are tried against: on a
// free port of loopback, everything in memory, gone at SIGTERM. Its own pages sign in whoever
// gives any name; person.py and person_browser.mjs are who does.
//
//   node oidc_provider.mjs [--access-ttl S] [--id-token-alg ALG] [--jwks FILE]
//     [--tls CERT --tls-key KEY]
//
// --jwks: the public keys of the client "keyed", for private_key_jwt. The first line on stdout is
//
//   {"authority", "resource", "person": {"login", "password"},
//    "clients": {"native", "device", "basic", "post"[, "keyed"]: {"client_id"[, "client_secret"]}}}
//
// GET /counts: {"METHOD /path": requests so far}. Every grant, rotation and revocation is a JSON
// line on stderr. Standard rules hold: offline_access needs prompt=consent (OpenID Connect Core,
// 11), a refresh token that is used twice ends all that came of it.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const { values: options } = parseArgs({
  options: {
    'access-ttl': { type: 'string', default: '600' },
    'id-token-alg': { type: 'string', default: 'RS256' },
    jwks: { type: 'string' },
    tls: { type: 'string' },
    'tls-key': { type: 'string' },
  },
});

// The packages are with the other clients of the tests.
const packages = createRequire(fileURLToPath(new URL('../clients/package.json', import.meta.url)));
const load = async (name) => import(pathToFileURL(packages.resolve(name)));
const quiet = () => {};
Object.assign(console, { info: quiet, warn: quiet });
const { default: Provider, errors } = await load('oidc-provider');
const { exportJWK, generateKeyPair } = await load('jose');

const RESOURCE = 'urn:adit:test-api';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const accessTtl = Number(options['access-ttl']);

async function signingKeys() {
  const keys = [];
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.push({ ...await exportJWK(privateKey), alg, use: 'sig', kid: alg.toLowerCase() });
  }
  return { keys };
}

function clients() {
  const people = { id_token_signed_response_alg: options['id-token-alg'],
    token_endpoint_auth_method: 'none' };
  const programs = { grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native' };
  const secret = () => randomBytes(24).toString('base64url');
  return [
    { ...people, client_id: 'native', application_type: 'native', response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', DEVICE],
      redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'] },
    { ...people, client_id: 'device', application_type: 'native', response_types: [],
      grant_types: [DEVICE, 'refresh_token'], redirect_uris: [] },
    // Marks in a secret that Basic has to encode (RFC 6749, 2.3.1).
    { ...programs, client_id: 'basic', client_secret: `${secret()}+:% &`,
      token_endpoint_auth_method: 'client_secret_basic' },
    { ...programs, client_id: 'post', client_secret: secret(),
      token_endpoint_auth_method: 'client_secret_post' },
    ...options.jwks ? [{ ...programs, client_id: 'keyed',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: JSON.parse(readFileSync(options.jwks, 'utf8')) }] : [],
  ];
}

const configuration = async (registered) => ({
  clients: registered,
  jwks: await signingKeys(),
  cookies: { keys: [randomBytes(24).toString('hex')] },
  scopes: ['openid', 'offline_access', 'cosmos'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  clientBasedCORS: () => false,
  enabledJWA: {
    clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  },
  ttl: { AccessToken: accessTtl, ClientCredentials: accessTtl, AuthorizationCode: 60,
    DeviceCode: 600, IdToken: 300, RefreshToken: 86400, Grant: 86400, Session: 86400,
    Interaction: 600 },
  findAccount: (ctx, sub) => ({ accountId: sub,
    claims: () => ({ sub, name: `Person ${sub}`, email: `${sub}@example.com` }) }),
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx, resource) {
        if (resource !== RESOURCE) {
          throw new errors.InvalidTarget();
        }
        return { scope: 'cosmos', audience: resource, accessTokenFormat: 'jwt',
          accessTokenTTL: accessTtl, jwt: { sign: { alg: 'ES256' } } };
      },
    },
  },
});

function watch(provider) {
  const told = ['grant.success', 'grant.error', 'grant.revoked', 'refresh_token.consumed',
    'refresh_token.destroyed', 'access_token.destroyed', 'authorization.error', 'server_error',
    'device_authorization.error', 'revocation.error', 'discovery.error'];
  for (const event of told) {
    provider.on(event, (...given) => {
      const error = given.find((each) => each instanceof Error);
      process.stderr.write(`${JSON.stringify({ event, error: error?.message,
        detail: error?.error_detail })}\n`);
    });
  }
}

const counts = {};
let answer;

function serve(request, response) {
  const path = request.url.split('?')[0];
  if (path === '/counts') {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(counts));
    return;
  }
  const key = `${request.method} ${path}`;
  counts[key] = (counts[key] || 0) + 1;
  answer(request, response);
}

const server = options.tls
  ? https.createServer({ cert: readFileSync(options.tls),
    key: readFileSync(options['tls-key']) }, serve)
  : http.createServer(serve);

server.listen(0, '127.0.0.1', async () => {
  const authority = `${options.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  const registered = clients();
  const provider = new Provider(authority, await configuration(registered));
  watch(provider);
  answer = provider.callback();
  const named = registered.map(({ client_id: id, client_secret: secret }) => [id,
    { client_id: id, ...secret ? { client_secret: secret } : {} }]);
  process.stdout.write(`${JSON.stringify({ authority, resource: RESOURCE,
    person: { login: 'anna', password: 'any' }, clients: Object.fromEntries(named) })}\n`);
});

process.on('SIGTERM', () => process.exit(0));
