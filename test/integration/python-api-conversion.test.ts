import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PythonConsole, startConsole } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
  await python.execute(`
import enum
registry.simple_function("echo", lambda args: (0, json.dumps(args), ""), "")
registry.simple_function("three", lambda args: (status.OK, "m", "'a'=1"), "")
registry.simple_subscription("inbox", lambda *args: None)
class Name(str): pass
class Names(list): pass
class Number(int): pass
class Color(enum.IntEnum):
    RED = 1
`);
});

afterAll(() => python.stop());

/** Expressions and what they are. */
type Rows = readonly (readonly [expression: string, outcome: string])[];

function holds(rows: Rows): void {
  it.each(rows)("%s", async (expression, outcome) => {
    expect(await python.evaluate(expression)).toBe(outcome);
  });
}

describe("calling", () => {
  holds([
    ["Registry()", "RuntimeError: This class cannot be instantiated from Python"],
    ["Core(1)", "RuntimeError: This class cannot be instantiated from Python"],
    ["Settings(plugin_id=1)", "RuntimeError: This class cannot be instantiated from Python"],
    ["type(registry.get(0)) is type(registry.create(0)) is type(registry) is Registry", "True"],
    ["type(core.get(0)) is type(Core.create(0)) is Core", "True"],
    ["type(settings.get(0)) is type(Settings.create(0)) is Settings", "True"],
    ["type(Core.get(4294967295)) is Core", "True"],
    ["isinstance(NSCP.Core.get, type(lambda: 0))", "True"],
    // Keywords, and what the contract says can be left out.
    ["core.simple_query(query='three', arguments=[])", `(NSCP.status.OK, 'm', "'a'=1")`],
    ["core.expand_path(path_expression='x')", "'x'"],
    ["core.load_module(module='Missing')", "False"],
    ["core.simple_submit('inbox', 'c', 0, 'm')", "(True, '')"],
    ["core.simple_submit(channel='inbox', command='c', code=status.OK, message='m', perf='')", "(True, '')"],
    ["Registry.get(plugin_id=ids[0]).fetch_metrics(callable=dict)", "None"],
    ["settings.get_string(path='/a', key='k', default_value='d')", "'d'"],
  ]);

  it.each([
    "Registry.get()",
    "Core.get(1, 2)",
    "core.simple_query('three')",
    "core.simple_query('three', [], [])",
    "core.expand_path()",
    "settings.get_string('/a', 'k')",
    "settings.save(1)",
    "sleep()",
    "log()",
    "log('a', 'b')",
    "core.expand_path(nothing='x')",
  ])("%s has a wrong number of arguments or a wrong name", async (expression) => {
    expect(await python.evaluate(expression)).toMatch(/^TypeError: /);
  });
});

describe("a text parameter", () => {
  holds([
    ["core.expand_path('x')", "'x'"],
    ["core.expand_path(b'x')", "'x'"],
    ["core.expand_path('')", "''"],
    ["core.expand_path('\\u00e5\\U0001f600')", "'\u00e5\u{1f600}'"],
    ["core.expand_path(b'\\xc3\\xa5')", "'\u00e5'"],
    ["core.expand_path('a\\0b')", "'a\\x00b'"],
    ["core.expand_path(Name('x'))", "'x'"],
    ["type(core.expand_path(Name('x'))).__name__", "'str'"],
    // What is no UTF-8 is replaced and does not raise.
    ["core.expand_path(b'a\\xffb')", "'a\ufffdb'"],
    ["core.expand_path(None)", "ArgumentError: path_expression is None instead of str or bytes"],
    ["core.expand_path(1)", "ArgumentError: path_expression is int instead of str or bytes"],
    ["core.expand_path(1.5)", "ArgumentError: path_expression is float instead of str or bytes"],
    ["core.expand_path(status.OK)", "ArgumentError: path_expression is status instead of str or bytes"],
    ["core.expand_path(bytearray(b'x'))", "ArgumentError: path_expression is bytearray instead of str or bytes"],
    ["core.expand_path(memoryview(b'x'))", "ArgumentError: path_expression is memoryview instead of str or bytes"],
    ["core.expand_path(['x'])", "ArgumentError: path_expression is list instead of str or bytes"],
    [
      "core.expand_path('\\ud800')",
      "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed",
    ],
    [
      "core.simple_query('echo', ['a\\udcff'])",
      "UnicodeEncodeError: 'utf-8' codec can't encode character '\\udcff' in position 1: surrogates not allowed",
    ],
    ["registry.cmdline(7, len)", "ArgumentError: name is int instead of str or bytes"],
    ["registry.simple_function('x', len, None)", "ArgumentError: description is None instead of str or bytes"],
    ["settings.set_string('/a', 'k', 5)", "ArgumentError: value is int instead of str or bytes"],
    ["settings.register_key('/a', 'k', 5, '', '', '')", "ArgumentError: type is int instead of str or bytes"],
    ["core.simple_submit('inbox', 'c', 0, None, '')", "ArgumentError: message is None instead of str or bytes"],
  ]);

  it("of a wrong type raises what scripts catch as TypeError", async () => {
    await python.execute(`
try:
    core.expand_path(None)
except TypeError as error:
    caught = type(error).__mro__[1] is TypeError`);
    expect(await python.evaluate("caught")).toBe("True");
  });
});

describe("a number", () => {
  const plugin = "ArgumentError: plugin_id is";
  holds([
    ["type(Core.get(True)) is Core", "True"],
    ["type(Core.get(status.WARNING)) is Core", "True"],
    ["type(Core.get(Number(3))) is Core", "True"],
    ["Core.get(-1)", "OverflowError: plugin_id is -1, it must be from 0 to 4294967295"],
    ["Core.get(2**32)", "OverflowError: plugin_id is 4294967296, it must be from 0 to 4294967295"],
    ["Core.get(0.0)", `${plugin} float instead of int`],
    ["Registry.get('0')", `${plugin} str instead of int`],
    ["Settings.get(None)", `${plugin} None instead of int`],
    ["sleep(0)", "None"],
    ["sleep(True)", "None"],
    ["sleep(status.OK)", "None"],
    ["sleep(-1)", "OverflowError: milliseconds is -1, it must be from 0 to 4294967295"],
    ["sleep(0.5)", "ArgumentError: milliseconds is float instead of int"],
    ["sleep('1')", "ArgumentError: milliseconds is str instead of int"],
    ["sleep(None)", "ArgumentError: milliseconds is None instead of int"],
    ["settings.get_int('/a', 'none', -2**31)", "-2147483648"],
    ["settings.get_int('/a', 'none', True)", "1"],
    ["settings.get_int('/a', 'none', status.UNKNOWN)", "3"],
    [
      "settings.get_int('/a', 'none', 2**31)",
      "OverflowError: default_value is 2147483648, which has no place in 32 bits",
    ],
    [
      "settings.set_int('/a', 'none', -2**31 - 1)",
      "OverflowError: value is -2147483649, which has no place in 32 bits",
    ],
    ["settings.set_int('/a', 'none', '1')", "ArgumentError: value is str instead of int"],
    ["settings.get_int('/a', 'none', None)", "ArgumentError: default_value is None instead of int"],
  ]);
});

describe("a flag", () => {
  holds([
    ["settings.get_bool('/a', 'none', True)", "True"],
    ["settings.get_bool('/a', 'none', 0)", "False"],
    ["settings.get_bool('/a', 'none', 7)", "True"],
    ["settings.get_bool('/a', 'none', None)", "False"],
    ["settings.get_bool('/a', 'none', status.OK)", "False"],
    ["settings.get_bool('/a', 'none', 'true')", "ArgumentError: default_value is str instead of bool"],
    ["settings.set_bool('/a', 'none', 1.0)", "ArgumentError: value is float instead of bool"],
  ]);
});

describe("a list of arguments", () => {
  /** What a check gets for a list. */
  const received: Rows = [
    ["[]", "[]"],
    ["['a', 'b c', '']", '["a", "b c", ""]'],
    ["[b'bytes', b'\\xc3\\xa5']", '["bytes", "\\u00e5"]'],
    ["[1, -5, 2**70]", '["1", "-5", "1180591620717411303424"]'],
    ["[True, False, status.CRITICAL, Color.RED]", '["1", "0", "2", "1"]'],
    // Every argument keeps its position, whatever it is.
    ["['a', 1.5, None, ('t',), 'z']", '["a", "1.5", "None", "(\'t\',)", "z"]'],
    ["Names(['sub', 'class'])", '["sub", "class"]'],
    ["['a\\0b', 'line\\nend', '\\'\"\\\\']", '["a\\u0000b", "line\\nend", "\'\\"\\\\"]'],
    ["['help']", '["help"]'],
  ];
  it.each(received)("%s arrives", async (list, text) => {
    expect(await python.evaluate(`core.simple_query('echo', ${list})[1] == ${JSON.stringify(text)}`)).toBe("True");
  });

  holds([
    ["core.simple_query('echo', ('a',))", "ArgumentError: arguments is tuple instead of list"],
    ["core.simple_query('echo', 'a')", "ArgumentError: arguments is str instead of list"],
    ["core.simple_query('echo', None)", "ArgumentError: arguments is None instead of list"],
    ["core.simple_query('echo', {})", "ArgumentError: arguments is dict instead of list"],
    ["core.simple_exec('', 'echo', ())", "ArgumentError: arguments is tuple instead of list"],
  ]);
});

describe("a function to be called", () => {
  holds([
    ["registry.simple_function('x', None, '')", "TypeError: the callback for x is None and can't be called"],
    ["registry.function('x', 'name', '')", "TypeError: the callback for x is str and can't be called"],
    ["registry.simple_cmdline('x', 1)", "TypeError: the callback for x is int and can't be called"],
    ["registry.cmdline('x', b'')", "TypeError: the callback for x is bytes and can't be called"],
    ["registry.subscription('x', [])", "TypeError: the callback for x is list and can't be called"],
    ["registry.simple_subscription('x', ())", "TypeError: the callback for x is tuple and can't be called"],
    ["registry.event('x', {})", "TypeError: the callback for x is dict and can't be called"],
    ["registry.event_pb('x', None)", "TypeError: the callback for x is None and can't be called"],
    ["registry.submit_metrics(None)", "TypeError: the callback for metricsSink is None and can't be called"],
    ["registry.fetch_metrics({})", "TypeError: the callback for metricsSource is dict and can't be called"],
  ]);
});

describe("a message", () => {
  // Which message it is does not matter here: what is no buffer never leaves.
  const notParsed = "(False, 'Failed to parse request')";
  holds([
    ["core.query('x', 'text')", notParsed],
    ["core.query('x', None)", notParsed],
    ["core.query('x', 5)", notParsed],
    ["core.query('x', b'')", notParsed],
    ["core.query('x', bytearray())", notParsed],
    ["core.query('x', b'\\xff\\xff')", notParsed],
    ["core.submit('inbox', 'text')", notParsed],
    ["core.submit('inbox', None)", notParsed],
    ["core.submit('inbox', b'')", notParsed],
    ["registry.query('text')", notParsed],
    ["registry.query(b'')", notParsed],
    ["settings.query(None)", notParsed],
    ["settings.query(memoryview(b''))", notParsed],
    // exec was made for texts, and an empty one is an empty message.
    ["core.exec('', '')", "(0, b'')"],
    ["core.exec('', b'')", "(0, b'')"],
    ["core.exec('', None)", "ArgumentError: request_bytes is None instead of bytes"],
    ["core.exec('', 5)", "ArgumentError: request_bytes is int instead of bytes"],
    ["core.exec('', b'\\xff\\xff')", notParsed],
  ]);
});

describe("the log", () => {
  it.each([
    ["log('text')", "info", "text"],
    ["log_error('text')", "error", "text"],
    ["log_err('text')", "error", "text"],
    ["log_debug('text')", "debug", "text"],
    ["log_deb('text')", "debug", "text"],
    ["log(message='text')", "info", "text"],
    ["log(None)", "info", ""],
    ["log('')", "info", ""],
    ["log('cut\\0here')", "info", "cut"],
    ["log('two\\nlines')", "info", "two\nlines"],
    ["log(b'bytes \\xc3\\xa5')", "info", "bytes \u00e5"],
    ["log(b'as\\0is')", "info", "as\0is"],
    ["log(b'\\xff')", "info", "\ufffd"],
    ["log('lone \\udcff')", "info", "lone ?"],
    ["log(17)", "info", "17"],
    ["log(1.5)", "info", "1.5"],
    ["log(status.WARNING)", "info", "WARNING"],
    ["log(['a', 1])", "info", "['a', 1]"],
    ["log(ValueError('x'))", "info", "x"],
    ["log('x' * 100000)", "info", "x".repeat(100_000)],
  ])("%s", async (expression, level, text) => {
    python.logged();
    expect(await python.evaluate(expression)).toBe("None");
    expect(python.logged()).toEqual([[level, text]]);
  });

  it("bears the name of the script", () => {
    expect(python.log.records.find(({ text }) => text === "text")?.fields).toMatchObject({ script: "console" });
  });
});

it("log_err and log_deb are other names of log_error and log_debug", async () => {
  expect(await python.evaluate("log_err is log_error and log_deb is log_debug")).toBe("True");
});

it("the module has exactly the names of the contract", async () => {
  expect(
    await python.evaluate("sorted(name for name in dir(NSCP) if not name.startswith('_')) == sorted(NSCP.__all__)"),
  ).toBe("True");
  expect(await python.evaluate("sorted(NSCP.__all__)")).toBe(
    "['Core', 'Registry', 'Settings', 'log', 'log_deb', 'log_debug', 'log_err', 'log_error', 'sleep', 'status']",
  );
});
