// The routes and agents of the configuration in force, which several views and every filter need.
import { read, type Schemas } from "./api";
import { useResource, type Resource } from "./resource";

export type Catalogue = { routes: Schemas["Routes"]; agents: Schemas["Agents"] };

export const ANONYMOUS = "(anonymous)";
export const UNIDENTIFIED = "(unidentified)";
export const NO_ROUTE = "(none)";
export const FALLBACK = "fallback";

export function useCatalogue(): Resource<Catalogue> {
  return useResource(
    "catalogue",
    async (signal) => {
      const [routes, agents] = await Promise.all([read("/routes", {}, signal), read("/agents", {}, signal)]);
      return { routes, agents };
    },
    10_000,
  );
}
