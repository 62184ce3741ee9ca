// asl-validator on a state machine whose ${…} are filled in: prints what is wrong, nothing if it is fine.
//   node tests/workflow/validate.mjs FILE NAME=VALUE…
import { createRequire } from "node:module";
import { load } from "./state_machine.mjs";

const validate = createRequire(import.meta.url)("asl-validator");
const [path, ...words] = process.argv.slice(2);
const substitutions = Object.fromEntries(words.map((word) => word.split(/=(.*)/s).slice(0, 2)));
const { isValid, errorsText } = validate(load(path, substitutions), { checkPaths: true, checkArn: true });
if (!isValid) console.log(errorsText("\n"));
