import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const compiler = JSON.parse(readFileSync(new URL("./contracts/compiler.json", import.meta.url), "utf8"));
const vectors = ["docs/spec/vectors", process.env.HUZHENG_VECTORS].filter(Boolean);

export default {
  paths: { sources: "./contracts", tests: { solidity: "./contracts/test" } },
  solidity: {
    version: compiler.version,
    path: require.resolve("solc/soljson.js"),
    settings: compiler.settings,
  },
  test: {
    solidity: {
      fsPermissions: { readDirectory: vectors },
      fuzz: { runs: 256, seed: "0x01" },
      invariant: { runs: 100, depth: 100, failOnRevert: true },
    },
  },
};
