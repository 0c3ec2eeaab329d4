// The AWS SDK for JavaScript against the AWS dialect, as told by a file of JSON. One line of JSON a check.
import { createRequire } from "node:module";
import fs from "node:fs";

const told = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const sdk = createRequire(process.argv[3] + "/")("@aws-sdk/client-kms");

function client(who = "app", more = {}) {
  const given = { ...told.credentials[who], ...more };
  return new sdk.KMSClient({
    endpoint: told.endpoint,
    region: told.region,
    maxAttempts: 1,
    credentials: { accessKeyId: given.id, secretAccessKey: given.secret, sessionToken: given.token },
  });
}
const kms = client();
const send = (name, input, by = kms) => by.send(new sdk[`${name}Command`](input));
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

function expect(good, what) {
  if (!good) throw new Error(what);
}
async function refused(type, promise) {
  try {
    await promise;
  } catch (error) {
    expect(error.name === type, `${error.name} instead of ${type}: ${error.message}`);
    expect(error.$metadata.requestId, "no request id");
    return;
  }
  throw new Error(`not refused as ${type}`);
}
async function check(name, run) {
  try {
    await run();
    console.log(JSON.stringify({ name, good: true, detail: "" }));
  } catch (error) {
    console.log(JSON.stringify({ name, good: false, detail: String(error.stack) }));
  }
}

await check("encrypt and decrypt", async () => {
  const key = (await send("CreateKey", { Description: "from JavaScript" })).KeyMetadata;
  const context = { team: "ml", ä: "ö" };
  const sealed = await send("Encrypt", { KeyId: key.KeyId, Plaintext: Buffer.from("x"), EncryptionContext: context });
  const opened = await send("Decrypt", { CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context });
  expect(same(opened.Plaintext, Buffer.from("x")) && opened.KeyId === key.Arn, "it isn't what was sealed");
  await refused("InvalidCiphertextException", send("Decrypt", { CiphertextBlob: sealed.CiphertextBlob }));
});
await check("data keys", async () => {
  const key = (await send("CreateKey", {})).KeyMetadata.KeyId;
  const made = await send("GenerateDataKey", { KeyId: key, KeySpec: "AES_256" });
  const opened = await send("Decrypt", { CiphertextBlob: made.CiphertextBlob, KeyId: key });
  expect(made.Plaintext.length === 32 && same(opened.Plaintext, made.Plaintext), "it isn't the data key");
});
await check("states, aliases, signatures", async () => {
  const key = (await send("CreateKey", { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" })).KeyMetadata.KeyId;
  await send("CreateAlias", { AliasName: "alias/js", TargetKeyId: key });
  const message = { KeyId: "alias/js", Message: Buffer.from("m"), SigningAlgorithm: "ECDSA_SHA_256" };
  const signed = await send("Sign", message);
  expect((await send("Verify", { ...message, Signature: signed.Signature })).SignatureValid, "it doesn't verify");
  await send("DisableKey", { KeyId: key });
  await refused("DisabledException", send("Sign", message));
});
await check("refusals", async () => {
  await refused("NotFoundException", send("DescribeKey", { KeyId: "alias/none" }));
  await refused("InvalidSignatureException", send("ListKeys", {}, client("app", { secret: "wrong" })));
  await refused("UnrecognizedClientException", send("ListKeys", {}, client("app", { token: "token" })));
});
