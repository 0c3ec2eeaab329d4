// A guest of the Confidential Containers made of other people's libraries: canonicalize for the runtime data, jose for
// keys, tokens and secrets. kbs_guest.mjs SERVER SOCKET, with modules in NODE_PATH's folder; one line of JSON a check.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import http from "node:http";
import { createRequire } from "node:module";
import readline from "node:readline";

const [program, socket] = process.argv.slice(2);
const require = createRequire(`${process.env.MODULES}/`);
const canonicalize = require("canonicalize");
const jose = require("jose");

const server = spawn(program, [socket], { stdio: ["pipe", "pipe", "inherit"] });
const lines = readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]();
const line = async () => (await lines.next()).value;

function send(method, path, { body, cookie, token } = {}) {
  const headers = { host: "kbs.test" };
  if (body) headers["content-type"] = "application/json";
  if (cookie) headers.cookie = cookie;
  if (token) headers.authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: socket, method, path: `/kbs/v0/${path}`, headers }, (response) => {
      let text = "";
      response.on("data", (piece) => (text += piece));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, json: JSON.parse(text) }));
    });
    request.on("error", reject);
    request.end(body && JSON.stringify(body));
  });
}

const say = (name, good, detail = "") => console.log(JSON.stringify({ name, good: Boolean(good), detail: String(detail) }));

async function attest(algorithm, key, changed = {}) {
  const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { extractable: true, ...key });
  const jwk = { ...(await jose.exportJWK(publicKey)), alg: algorithm };
  const challenge = await send("POST", "auth", {
    body: { version: "0.4.0", tee: "snp", "extra-params": { "supported-hash-algorithms": ["sha384"] } },
  });
  const cookie = challenge.headers["set-cookie"][0].split(";")[0];
  const runtime = { nonce: challenge.json.nonce, "tee-pubkey": jwk };
  const text = canonicalize({ ...runtime, "additional-evidence": "" });
  server.stdin.write(`${createHash("sha384").update(text).digest("hex")}\n`);
  const evidence = JSON.parse(await line());
  const answer = await send("POST", "attest", {
    cookie,
    body: {
      "init-data": null,
      "runtime-data": { ...runtime, ...changed },
      "tee-evidence": { primary_evidence: evidence, additional_evidence: "" },
    },
  });
  return { answer, cookie, privateKey };
}

const KEYS = [["ECDH-ES+A256KW", { crv: "P-256" }], ["ECDH-ES+A256KW", { crv: "P-521" }], ["RSA-OAEP-256", {}]];

await line();
for (const [algorithm, key] of KEYS) {
  const name = `${algorithm} ${key.crv ?? ""}`.trim();
  const { answer, cookie, privateKey } = await attest(algorithm, key);
  say(`${name}: attested`, answer.status === 200, JSON.stringify(answer.json));
  for (const [how, proof] of [["cookie", { cookie }], ["token", { token: answer.json.token }]]) {
    const resource = await send("GET", "resource/acme/key/1", proof);
    const opened = await jose.flattenedDecrypt(resource.json, privateKey).catch((error) => ({ plaintext: error.message }));
    say(`${name}: secret by ${how}`, new TextDecoder().decode(opened.plaintext) === "the secret resource", JSON.stringify(resource.json));
  }
  const payload = jose.decodeJwt(answer.json.token);
  say(`${name}: token is an EAR`, payload.submods?.cpu0 !== undefined && payload.eat_profile !== undefined, JSON.stringify(payload));
}
const other = await attest("ECDH-ES+A256KW", { crv: "P-256" }, { nonce: Buffer.alloc(32).toString("base64") });
say("another nonce", other.answer.status === 401 && other.answer.json.detail, JSON.stringify(other.answer.json));
const stranger = await jose.exportJWK((await jose.generateKeyPair("ECDH-ES+A256KW", { extractable: true })).publicKey);
const swapped = await attest("ECDH-ES+A256KW", { crv: "P-256" }, { "tee-pubkey": { ...stranger, alg: "ECDH-ES+A256KW" } });
say("a key that the machine didn't vouch for", swapped.answer.status === 401, JSON.stringify(swapped.answer.json));
const refused = await send("GET", "resource/acme/key/1", { cookie: swapped.cookie });
say("no secret without a verdict", refused.status === 401 && refused.json.detail, JSON.stringify(refused.json));
server.stdin.end();
