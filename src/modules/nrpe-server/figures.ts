import { Metric, MetricsBundle, PB } from "../../wire/messages.js";

/** What became of connections and queries since the module was started. */
export class Figures {
  /** Queries that were answered with what their check says. */
  answered = 0;
  /** Queries that were not taken: arguments, characters, certificates. */
  refused = 0;
  /** Connections that were closed because what came was no query. */
  unreadable = 0;
  /** Queries whose client did not wait for the answer. */
  abandoned = 0;

  /** @param turnedAway connections that were closed because there were too many */
  bundle(key: string, connections: number, turnedAway: number): MetricsBundle {
    const { answered, refused, unreadable, abandoned } = this;
    const values = { connections, answered, refused, unreadable, turned_away: turnedAway, abandoned };
    return MetricsBundle.create({
      key,
      desc: "Checks that were run over NRPE",
      value: Object.entries(values).map(([name, value]) =>
        Metric.create({ key: name, gaugeValue: PB.Common.OptionalFloat.create({ value }) }),
      ),
    });
  }
}
