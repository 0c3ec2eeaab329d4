// Google's client of Cloud KMS over REST, doing one thing: google_client.cjs PORT VERB RESOURCE [ARGUMENT...]. Prints JSON.
//   get KEY | versions KEY | keys RING | rings LOCATION
//   encrypt KEY PLAINTEXT_HEX CRC CONTEXT_HEX CRC | decrypt KEY CIPHERTEXT_HEX CRC CONTEXT_HEX CRC
const { KeyManagementServiceClient } = require('@google-cloud/kms');

const [port, verb, name, ...given] = process.argv.slice(2);
// Only the token is ours; what is sent with it is the client's own.
const auth = {
  fetch: (url, options) => {
    const headers = new Headers(options.headers);
    headers.set('authorization', 'Bearer of-the-client');
    return fetch(url, { ...options, headers });
  },
  getClient: async () => ({}),
  getProjectId: async () => 'acme',
  getUniverseDomain: async () => 'googleapis.com',
};
const client = new KeyManagementServiceClient({
  apiEndpoint: '127.0.0.1', auth, fallback: true, port: Number(port), projectId: 'acme', protocol: 'http',
});
const bytes = (hex) => Buffer.from(hex, 'hex');
const hex = (value) => Buffer.from(value).toString('hex');
const once = { maxRetries: 0 };

async function run() {
  if (verb === 'get') {
    const [key] = await client.getCryptoKey({ name }, once);
    return { name: key.name, purpose: key.purpose, primary: key.primary.name, state: key.primary.state,
             protection: key.primary.protectionLevel, period: key.rotationPeriod.seconds };
  }
  const page = { autoPaginate: false, ...once };
  if (verb === 'versions') {
    const [versions] = await client.listCryptoKeyVersions({ parent: name, pageSize: 100 }, page);
    return versions.map((one) => ({ name: one.name, state: one.state }));
  }
  if (verb === 'keys') {
    return (await client.listCryptoKeys({ parent: name, pageSize: 100 }, page))[0].map((one) => one.name);
  }
  if (verb === 'rings') {
    return (await client.listKeyRings({ parent: name, pageSize: 100 }, page))[0].map((one) => one.name);
  }
  const context = { additionalAuthenticatedData: bytes(given[2]), additionalAuthenticatedDataCrc32c: { value: given[3] } };
  if (verb === 'encrypt') {
    const [made] = await client.encrypt(
      { name, plaintext: bytes(given[0]), plaintextCrc32c: { value: given[1] }, ...context }, once);
    return { name: made.name, ciphertext: hex(made.ciphertext), crc: made.ciphertextCrc32c.value,
             verified: [made.verifiedPlaintextCrc32c, made.verifiedAdditionalAuthenticatedDataCrc32c] };
  }
  const [opened] = await client.decrypt(
    { name, ciphertext: bytes(given[0]), ciphertextCrc32c: { value: given[1] }, ...context }, once);
  return { plaintext: hex(opened.plaintext), crc: opened.plaintextCrc32c.value };
}

run().then((answer) => console.log(JSON.stringify(answer)), (error) => {
  console.log(JSON.stringify({ error: String(error.message), code: error.code }));
  process.exitCode = 1;
});
