// Asks flags by OpenFeature's SDK for servers: `node node.mjs ofrep|rpc|in-process ADDRESS QUESTIONS [KEY]`.
//
// A question is [type, flag, default, context]. Prints the answers as a line of JSON, and once more after each change of flags
// until its input ends.
import { createRequire } from 'node:module';

// The packages are where they were installed, not beside this file.
const require = createRequire(process.env.PACKAGES + '/');
const { OpenFeature, ProviderEvents } = require('@openfeature/server-sdk');

const [kind, address, asked, key] = process.argv.slice(2);
const [host, port] = address.split(':');

function provider() {
  if (kind === 'ofrep') {
    const { OFREPProvider } = require('@openfeature/ofrep-provider');
    const headers = key ? [['Authorization', `Bearer ${key}`]] : [];
    return new OFREPProvider({ baseUrl: `http://${address}`, headers });
  }
  const { FlagdProvider } = require('@openfeature/flagd-provider');
  return new FlagdProvider({ host, port: Number(port), resolverType: kind, deadlineMs: 5000 });
}

const METHODS = {
  boolean: 'getBooleanDetails',
  string: 'getStringDetails',
  integer: 'getNumberDetails',
  float: 'getNumberDetails',
  object: 'getObjectDetails',
};

async function answers(client) {
  const all = [];
  for (const [type, flag, fallback, context] of JSON.parse(asked)) {
    const found = await client[METHODS[type]](flag, fallback, context);
    const { value, reason, variant, errorCode, flagMetadata } = found;
    all.push({ value, reason, variant, errorCode, metadata: flagMetadata });
  }
  return JSON.stringify(all);
}

await OpenFeature.setProviderAndWait(provider());
const client = OpenFeature.getClient();
client.addHandler(ProviderEvents.ConfigurationChanged, async () => console.log(await answers(client)));
console.log(await answers(client));
process.stdin.on('end', async () => {
  await OpenFeature.close();
  process.exit(0);
});
process.stdin.resume();
