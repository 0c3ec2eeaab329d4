// Kubernetes manifests on standard input, each document held against the schema of its kind. Prints JSON: for each document
// its kind and name, and what is wrong with it; null where there is no schema. The argument is the folder of the modules.
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const modules = process.argv[2];
const load = (file) => import(pathToFileURL(`${modules}/${file}`));
const yaml = await load('js-yaml/dist/js-yaml.mjs');

// Where a kind's model is: by its group.
const MODELS = [
  [/^[a-z]+\.istio\.io$/, (group) => `@kubernetes-models/istio/${group}/`],
  [/^gateway\.networking\.k8s\.io$/, (group) => `@kubernetes-models/gateway-api/${group}/`],
  [/^$/, () => 'kubernetes-models/'],
];

async function model(document) {
  const [group, version] = document.apiVersion.includes('/') ? document.apiVersion.split('/') : ['', document.apiVersion];
  const found = MODELS.find(([pattern]) => pattern.test(group));
  const file = found && `${found[1](group)}${version}/${document.kind}.js`;
  return file && existsSync(`${modules}/${file}`) ? (await load(file))[document.kind] : null;
}

async function wrong(document) {
  const Model = await model(document);
  if (!Model) return null;
  try {
    new Model(document).validate();
    return '';
  } catch (error) {
    return error.message;
  }
}

const found = [];
for (const document of yaml.loadAll(readFileSync(0, 'utf8'))) {
  if (document) found.push({ kind: document.kind, name: document.metadata?.name, wrong: await wrong(document) });
}
console.log(JSON.stringify(found));
