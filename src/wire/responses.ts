/** Builds answers to queries. They are made for every check, so fields are assigned and nothing is copied. */
import { Line, type PerformanceData, QueryResponse, ResultCode } from "./messages.js";

/** What an answer takes over from its request. */
interface Answered {
  id: number;
  command: string;
}

/**
 * An answer of one line.
 *
 * @param perf - becomes part of the answer, it is not copied
 */
export function textResponse(
  request: Answered,
  code: ResultCode,
  message: string,
  perf?: PerformanceData[],
): QueryResponse {
  const line = Line.create();
  line.message = message;
  if (perf !== undefined) line.perf = perf;
  const response = QueryResponse.create();
  response.id = request.id;
  response.command = request.command;
  response.result = code;
  response.lines.push(line);
  return response;
}

/** The answer of a check that could not be made. */
export function unknownResponse(request: Answered, message: string): QueryResponse {
  return textResponse(request, ResultCode.UNKNOWN, message);
}
