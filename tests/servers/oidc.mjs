// An OpenID provider that writes its access tokens as Keycloak does, at Keycloak's paths.
// Usage: node oidc.mjs NODE_MODULES PORT
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, port] = process.argv.slice(2)
const found = createRequire(`${modules}/`).resolve('oidc-provider')
const { default: Provider } = await import(pathToFileURL(found))

const REALM = '/realms/demo'
const started = Date.now()

function key(kid, alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options)
  return { ...privateKey.export({ format: 'jwk' }), kid: `${kid}-${started}`, use: 'sig', alg }
}

function client(id, extra = {}) {
  return { client_id: id, client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...extra }
}

const CLAIMS = {
  web: { organization: ['acme'], realm_access: { roles: ['buyer'] }, email: 'alice@example.org', email_verified: true },
  worker: { organization: { acme: { id: '4f' } }, resource_access: { platform: { roles: ['quote:read'] } } },
  idler: { typ: 'ID' },
}

const provider = new Provider(`http://127.0.0.1:${port}${REALM}`, {
  jwks: { keys: [key('rsa', 'RS256', 'rsa', { modulusLength: 2048 }), key('ec', 'ES256', 'ec', { namedCurve: 'P-256' })] },
  clients: [client('web'), client('worker'), client('idler'), client('intruder')],
  routes: { token: '/protocol/openid-connect/token', jwks: '/protocol/openid-connect/certs' },
  extraTokenClaims: (ctx, token) => ({ typ: 'Bearer', azp: token.clientId, preferred_username: `service-account-${token.clientId}`, ...CLAIMS[token.clientId] }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:platform',
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => ({
        audience: resource.replace('urn:', ''),
        scope: '',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: client.clientId === 'worker' ? 'ES256' : 'RS256' } },
      }),
    },
  },
})

const answer = provider.callback()
createServer((request, response) => {
  request.originalUrl = request.url
  request.url = request.url.replace(REALM, '')
  answer(request, response)
}).listen(Number(port), '127.0.0.1')
