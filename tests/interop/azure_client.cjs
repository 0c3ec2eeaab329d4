// Microsoft's client of Key Vault, doing one thing: azure_client.cjs VAULT VERB [ARGUMENT...]. Prints JSON.
//   get NAME | versions NAME | rotation NAME | list | wrap KID ALGORITHM HEX | unwrap KID ALGORITHM HEX
const { CryptographyClient, KeyClient } = require('@azure/keyvault-keys');

const [vault, verb, ...given] = process.argv.slice(2);
const credential = { getToken: async () => ({ token: 'of-the-client', expiresOnTimestamp: Date.now() + 3600e3 }) };
const options = {
  allowInsecureConnection: true,
  disableChallengeResourceVerification: true,
  retryOptions: { maxRetries: 0 },
};
const hex = (bytes) => Buffer.from(bytes).toString('hex');

async function collect(pages) {
  const found = [];
  for await (const one of pages) found.push({ id: one.id, enabled: one.enabled });
  return found;
}

async function run() {
  const keys = new KeyClient(vault, credential, options);
  if (verb === 'get') {
    const key = await keys.getKey(given[0]);
    return { id: key.id, type: key.keyType, enabled: key.properties.enabled, created: key.properties.createdOn,
             exportable: key.properties.exportable, recovery: key.properties.recoveryLevel };
  }
  if (verb === 'versions') return collect(keys.listPropertiesOfKeyVersions(given[0]));
  if (verb === 'list') return collect(keys.listPropertiesOfKeys());
  if (verb === 'rotation') {
    const policy = await keys.getKeyRotationPolicy(given[0]);
    return { actions: policy.lifetimeActions, expires: policy.expiresIn };
  }
  const client = new CryptographyClient(given[0], credential, options);
  const bytes = Buffer.from(given[2], 'hex');
  const result = verb === 'wrap' ? await client.wrapKey(given[1], bytes) : await client.unwrapKey(given[1], bytes);
  return { id: result.keyID, result: hex(result.result) };
}

run().then((answer) => console.log(JSON.stringify(answer)), (error) => {
  console.log(JSON.stringify({ error: String(error.message), code: error.code, status: error.statusCode }));
  process.exitCode = 1;
});
