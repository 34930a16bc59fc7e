export { until } from "../../lib/until";
