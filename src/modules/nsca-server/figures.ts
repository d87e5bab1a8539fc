import { Metric, MetricsBundle, PB } from "../../wire/messages.js";

/** What became of connections and results since the module was started. */
export class Figures {
  /** Results that were accepted. */
  accepted = 0;
  /** Results that the gateway did not take, and whose sender could not be told. */
  notAccepted = 0;
  /** Packets with a name that can't be, too old ones, and copies. */
  rejected = 0;
  /** Connections that were closed because what came was no packet. */
  unreadable = 0;

  /** @param turnedAway connections that were closed because there were too many */
  bundle(key: string, connections: number, turnedAway: number): MetricsBundle {
    const { accepted, notAccepted, rejected, unreadable } = this;
    const values = { connections, accepted, not_accepted: notAccepted, rejected, unreadable, turned_away: turnedAway };
    return MetricsBundle.create({
      key,
      desc: "Passive results that came over NSCA",
      value: Object.entries(values).map(([name, value]) =>
        Metric.create({ key: name, gaugeValue: PB.Common.OptionalFloat.create({ value }) }),
      ),
    });
  }
}
