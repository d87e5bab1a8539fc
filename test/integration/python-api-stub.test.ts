import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type PythonConsole, startConsole } from "../support/python-api.js";

const stub = fileURLToPath(new URL("../../dist/modules/python-script/host/NSCP.pyi", import.meta.url));
const contractFunctions = [
  ...["log(message)", "log_error(message)", "log_debug(message)", "sleep(milliseconds)"],
  ...["Registry.get(plugin_id)", "Registry.function(query_name, query_function, description)"],
  ...["Registry.simple_function(query_name, query_function, description)", "Registry.cmdline(command_name, function)"],
  ...["Registry.simple_cmdline(command_name, function)", "Registry.subscription(channel, function)"],
  ...["Registry.simple_subscription(channel, function)", "Registry.event(event_name, event_function)"],
  ...["Registry.event_pb(event_name, event_function)", "Registry.submit_metrics(callable)"],
  ...["Registry.fetch_metrics(callable)", "Registry.query(request_bytes)"],
  ...["Core.get(plugin_id)", "Core.simple_query(query, arguments)", "Core.query(command, request_bytes)"],
  ...["Core.simple_exec(target, command, arguments)", "Core.exec(target, request_bytes)"],
  ...["Core.simple_submit(channel, command, code, message, perf)", "Core.submit(channel, request_bytes)"],
  ...["Core.reload(module)", "Core.load_module(module, alias)", "Core.unload_module(module_or_alias)"],
  "Core.expand_path(path_expression)",
  ...["Settings.get(plugin_id)", "Settings.get_section(path)", "Settings.get_string(path, key, default_value)"],
  ...["Settings.set_string(path, key, value)", "Settings.get_bool(path, key, default_value)"],
  ...["Settings.set_bool(path, key, value)", "Settings.get_int(path, key, default_value)"],
  ...["Settings.set_int(path, key, value)", "Settings.save()", "Settings.register_path(path, title, description)"],
  "Settings.register_key(path, key, type, title, description, default_value)",
  "Settings.query(request_bytes)",
];

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
  await python.execute(`
import ast, inspect, typing

def of_module():
    """Every function of the module: its parameters, and the default of each that has one."""
    found = {}
    def add(name, function):
        parameters = inspect.signature(function).parameters.values()
        found[name] = [p.name if p.default is p.empty else "%s=%r" % (p.name, p.default) for p in parameters]
    for name in NSCP.__all__:
        value = getattr(NSCP, name)
        if not inspect.isclass(value):
            add(name, value)
            continue
        for member, function in list(inspect.getmembers(value)):
            if not member.startswith("_") and inspect.isfunction(function):
                add(name + "." + member, function)
    return found

def of_stub(text):
    found = {}
    def add(name, node):
        args, defaults = node.args.args, node.args.defaults
        plain = len(args) - len(defaults)
        found[name] = [
            arg.arg if index < plain else "%s=%r" % (arg.arg, ast.literal_eval(defaults[index - plain]))
            for index, arg in enumerate(args)
        ]
        assert all(arg.annotation or arg.arg == "self" for arg in args) and node.returns, name
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            add(node.name, node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            found[node.targets[0].id] = found[node.value.id]
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not any(
                    isinstance(one, ast.Name) and one.id == "property" for one in member.decorator_list
                ):
                    add(node.name + "." + member.name, member)
    return found`);
});

afterAll(() => python.stop());

it("the stub has the functions of the module, with the same parameters", async () => {
  const module = await python.value<Record<string, string[]>>("of_module()");
  await python.execute(`stub = of_stub(${JSON.stringify(readFileSync(stub, "utf8"))})`);
  expect(await python.value("stub")).toEqual(module);
});

it("the stub has the members of status", async () => {
  await python.execute(`
tree = ast.parse(${JSON.stringify(readFileSync(stub, "utf8"))})
body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "status")
members = [node.target.id for node in body if isinstance(node, ast.AnnAssign)]
members += [node.name for node in body if isinstance(node, ast.FunctionDef)]`);
  expect(await python.value("sorted(members)")).toEqual(
    await python.value("sorted(name for name in dir(status) if not hasattr(int, name) and not name.startswith('_'))"),
  );
});

it("every type in the stub exists", async () => {
  await python.execute(`
source = ${JSON.stringify(readFileSync(stub, "utf8"))}
names = {}
exec(compile("from __future__ import annotations\\n" + source, "NSCP.pyi", "exec"), names)
hints = [typing.get_type_hints(function, names) for one in NSCP.__all__ if isinstance(names[one], type)
         for function in vars(names[one]).values() if inspect.isfunction(function)]`);
  expect(await python.value("len(hints)")).toBeGreaterThan(30);
});

it("the module has every function of the contract, with the contract's parameters in their order", async () => {
  const module = await python.value<Record<string, string[]>>("of_module()");
  const spelled = Object.entries(module).map(([name, parameters]) => {
    const names = parameters.filter((parameter) => parameter !== "self").map((parameter) => parameter.split("=")[0]);
    return `${name}(${names.join(", ")})`;
  });
  expect(spelled).toEqual(expect.arrayContaining(contractFunctions));
});

it("the API can be learned from help(NSCP)", async () => {
  await python.execute(`
import pydoc
text = pydoc.plain(pydoc.render_doc(NSCP))
undocumented = [name for name in of_module() if not inspect.getdoc(eval("NSCP." + name))]
undocumented += [name for name in NSCP.__all__ if not inspect.getdoc(getattr(NSCP, name))]`);
  expect(await python.value("undocumented")).toEqual([]);
  expect(
    await python.value(
      "[name for name in of_module() if name.split('.')[-1] + '(' not in text and 'log_' not in name]",
    ),
  ).toEqual([]);
  expect(await python.evaluate("'nscp_host' in text")).toBe("False");
});
