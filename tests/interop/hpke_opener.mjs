// Opens sealed keys with npm's @hpke/core: one line of JSON in, one out. Base64: private, encapsulated, ciphertext, info
// and aad; the answer has key or error. MODULES is the folder of node_modules.
import { createRequire } from "node:module";
import readline from "node:readline";

const { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } = createRequire(`${process.env.MODULES}/`)("@hpke/core");
const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
// An ArrayBuffer of its own: a Buffer may be a window of a larger one.
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64")).buffer;

async function open(told) {
  const recipientKey = await suite.kem.importKey("raw", bytes(told.private), false);
  const context = await suite.createRecipientContext({ recipientKey, enc: bytes(told.encapsulated), info: bytes(told.info) });
  return Buffer.from(await context.open(bytes(told.ciphertext), bytes(told.aad))).toString("base64");
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ key: await open(JSON.parse(line)) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.name }));
  }
}
