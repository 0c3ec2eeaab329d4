// Holds documents against the schemas that others publish. Arguments: the folder of the modules, what it is ("oscal" or
// "cyclonedx"), the document, and for OSCAL its schema. Prints JSON: a list of what is wrong.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , modules, kind, document, schema] = process.argv;
const require = createRequire(`${modules}/`);

async function oscal() {
  const Ajv = require('ajv').default;
  const ajv = new Ajv({ strict: false, allErrors: false });
  require('ajv-formats').default(ajv);
  const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')));
  return validate(JSON.parse(readFileSync(document, 'utf8'))) ? [] : validate.errors;
}

async function cyclonedx() {
  const { Spec, Validation } = require('@cyclonedx/cyclonedx-library');
  const wrong = await new Validation.JsonStrictValidator(Spec.Version.v1dot7).validate(readFileSync(document, 'utf8'));
  return wrong === null ? [] : [wrong];
}

console.log(JSON.stringify(await { oscal, cyclonedx }[kind]()));
