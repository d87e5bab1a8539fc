import { describe, expect, it } from "vitest";
import { splitScriptWords } from "../../src/cli/script-words.js";

const split = (line: string) => {
  const { ours, script } = splitScriptWords(line.split(" "));
  return [ours.join(" "), script.join(" ")];
};

describe("the words of execute", () => {
  it.each([
    ["--script x.py", "--script x.py", ""],
    ["--script x.py install --root /tmp", "--script x.py", "install --root /tmp"],
    ["--script x.py install --root /tmp --help", "--script x.py", "install --root /tmp --help"],
    ["--script x.py --help", "--script x.py --help", ""],
    ["--debug --log-backend=console --script=x.py a", "--debug --log-backend=console --script=x.py", "a"],
    ["--script x.py -v --debug --log trace -h", "--script x.py", "-v --debug --log trace -h"],
    ["--script x.py a --script y.py --file=z", "--script x.py", "a --script y.py --file=z"],
    ["--scrip x.py --fil", "", "--scrip x.py --fil"],
    ["--script x.py --logs --debugger", "--script x.py", "--logs --debugger"],
  ])("%s: those in front are ours, all behind them the script's", (line, ours, script) => {
    expect(split(line)).toEqual([ours, script]);
  });

  it.each([
    ["install --root /tmp --script x.py", "--script x.py", "install --root /tmp"],
    ["install --file=x.py --file y", "--file=x.py", "install --file y"],
  ])("%s: the script may be named behind its arguments", (line, ours, script) => {
    expect(split(line)).toEqual([ours, script]);
  });

  it.each([
    ["--script x.py install --settings s.ini b", "--script x.py --settings s.ini", "install b"],
    [
      "--script x.py install --define=/a:b=c --path-override d=e",
      "--script x.py --define=/a:b=c --path-override d=e",
      "install",
    ],
  ])("%s: which settings are meant counts anywhere", (line, ours, script) => {
    expect(split(line)).toEqual([ours, script]);
  });

  it("everything behind -- is the script's, and so is a second --", () => {
    expect(split("--script x.py -- --settings s.ini --help -- --script")).toEqual([
      "--script x.py",
      "--settings s.ini --help -- --script",
    ]);
  });

  it("an option without its value is ours to complain about", () => {
    expect(split("a --settings")).toEqual(["--settings", "a"]);
  });
});
