// Run pytest in Pyodide, which is CPython for WebAssembly: node .ci/pyodide.mjs FOLDER [ARGUMENT...]
// FOLDER is where npm has installed `pyodide`, and pip, to `packages`, what is tested.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...given] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "node_modules", "pyodide", "pyodide.mjs")));
const profile = process.env.HYPOTHESIS_PROFILE;
const pyodide = await loadPyodide({ env: { HOME: "/home", ...(profile && { HYPOTHESIS_PROFILE: profile }) } });
pyodide.mountNodeFS("/packages", resolve(folder, "packages"));
pyodide.mountNodeFS("/repository", resolve("."));
pyodide.globals.set("given", pyodide.toPy(given));
process.exitCode = pyodide.runPython(`
import os, sys

print(sys.version, sys.platform, f"{sys.maxsize:#x}")
sys.dont_write_bytecode = True
sys.path.insert(0, "/packages")
os.chdir("/repository")

import pytest

int(pytest.main(given))
`);
