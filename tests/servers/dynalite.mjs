// dynalite alone, for benchmarks: no signature front in between.
import { createRequire } from "node:module";
import { announce } from "./lifetime.mjs";

const dynalite = createRequire(import.meta.url)("dynalite");
announce(dynalite({ createTableMs: 0 }));
