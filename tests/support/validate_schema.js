// Validates YAML files against a JSON Schema with the validator of editors: js-yaml (YAML 1.2) and Ajv.
//
//   node validate_schema.js SCHEMA FILE...
//
// Prints one JSON object: for each file the list of what is wrong with it, empty when it is valid. Debian's packages are
// found with NODE_PATH=/usr/share/nodejs:/usr/lib/nodejs.
"use strict";
const fs = require("fs");

const Ajv = require("ajv");
const yaml = require("js-yaml");

const [schemaPath, ...files] = process.argv.slice(2);
const ajv = new Ajv({ allErrors: true });
const validate = ajv.compile(JSON.parse(fs.readFileSync(schemaPath, "utf8")));
const result = {};
for (const file of files) {
  try {
    const valid = validate(yaml.load(fs.readFileSync(file, "utf8")));
    result[file] = valid ? [] : validate.errors.map((error) => `${error.dataPath || error.instancePath}: ${error.message}`);
  } catch (error) {
    result[file] = [`not YAML: ${error.reason || error.message}`];
  }
}
console.log(JSON.stringify(result));
