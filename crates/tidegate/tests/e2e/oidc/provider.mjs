// The provider that people log in at: `oidc-provider` with its forms for development. PORT CALLBACK; ends with its standard input.
//
// Its tokens are good but where `PUT /spoil/HOW` says otherwise: what a thief, another provider or another client would have.
import http from 'node:http';
import * as jose from 'jose';
import Provider from 'oidc-provider';

console.info = console.error;
const [port, callback] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
const own = { ...(await jose.exportJWK(privateKey)), kid: 'own', use: 'sig', alg: 'RS256' };
const elliptic = { ...(await jose.exportJWK((await jose.generateKeyPair('ES256', { extractable: true })).privateKey)), kid: 'elliptic', use: 'sig', alg: 'ES256' };
const stranger = (await jose.generateKeyPair('RS256')).privateKey;
const secret = 's3cret of tidegate/+:';

const people = {
  'u-1001': { preferred_username: 'ann', email: 'ann@shop.example', email_verified: true, groups: ['platform', 'Key Holders'] },
  'u-1002': { preferred_username: 'bob', email: 'bob@shop.example', email_verified: false, groups: [] },
  // Calls herself like somebody else.
  'u-6666': { preferred_username: 'ann', email: 'eve@evil.example', email_verified: true, groups: ['platform'] },
  'u-2000': { preferred_username: 'Newcomer.Nora', email: 'nora@shop.example', email_verified: true, groups: [] },
};

const client = (id, algorithm) => ({
  client_id: id,
  client_secret: secret,
  redirect_uris: [callback],
  response_types: ['code'],
  grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
  id_token_signed_response_alg: algorithm,
});

let spoil = 'nothing';
const provider = new Provider(issuer, {
  clients: [client('tidegate', 'RS256'), client('tidegate-elliptic', 'ES256')],
  jwks: { keys: [own, elliptic] },
  cookies: { keys: ['a key of the test'] },
  claims: { profile: ['preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  ttl: { DeviceCode: () => (spoil === 'short' ? 2 : 600) },
});

const now = () => Math.floor(Date.now() / 1000);
const signed = (claims, key = privateKey, kid = 'own') =>
  new jose.SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(key);
const spoiled = {
  altered: (token, claims) => {
    const [head, , signature] = token.split('.');
    return [head, jose.base64url.encode(JSON.stringify({ ...claims, sub: 'u-1001' })), signature].join('.');
  },
  unsigned: (_, claims) => new jose.UnsecuredJWT(claims).encode(),
  hmac: (_, claims) => new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret)),
  stranger: (_, claims) => signed(claims, stranger, 'own'),
  'unknown-key': (_, claims) => signed(claims, stranger, 'none-of-these'),
  issuer: (_, claims) => signed({ ...claims, iss: 'https://other.example' }),
  audience: (_, claims) => signed({ ...claims, aud: 'another-client' }),
  expired: (_, claims) => signed({ ...claims, iat: now() - 7200, exp: now() - 3600 }),
  nonce: (_, claims) => signed({ ...claims, nonce: 'of another login' }),
};

provider.use(async (ctx, next) => {
  await next();
  const route = ctx.oidc?.route;
  if (route === 'device_authorization' && ctx.body?.device_code) ctx.body.interval = 1;
  if (route === 'token' && ctx.body?.id_token && spoiled[spoil]) {
    ctx.body.id_token = await spoiled[spoil](ctx.body.id_token, jose.decodeJwt(ctx.body.id_token));
  }
});

const answer = provider.callback();
const server = http.createServer((request, response) => {
  if (request.method === 'PUT' && request.url.startsWith('/spoil/')) {
    spoil = request.url.slice('/spoil/'.length);
    response.end(spoil);
  } else {
    answer(request, response);
  }
});
server.listen(Number(port), '127.0.0.1', () => console.log('listening'));
process.stdin.on('end', () => process.exit(0)).resume();
