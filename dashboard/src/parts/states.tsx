// What stands where there is nothing to show: not yet, not at all, or not any more.
import type { ComponentChildren } from "preact";
import { Refused } from "../api";
import type { Resource } from "../resource";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children ? <div class="state-about">{children}</div> : null}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div class="state state-loading" role="status">
      <span class="bar" aria-hidden="true" />
      <p class="state-about">Reading {what}</p>
    </div>
  );
}

export function Failed({ error, again }: { error: Error; again?: () => void }) {
  const off = error instanceof Refused && error.status === 404;
  return (
    <div class="state state-failed" role="alert">
      <p class="state-title">{off ? "Nothing is recorded" : "This could not be read"}</p>
      <p class="state-about">{error.message}</p>
      {again && !off ? (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

/** What was read, or the state that stands in its place. An error beside what was read before is said above it. */
export function Shown<T>({
  resource,
  what,
  children,
}: {
  resource: Resource<T>;
  what: string;
  children: (data: T) => ComponentChildren;
}) {
  if (resource.data === null) {
    return resource.error ? <Failed error={resource.error} again={resource.reload} /> : <Loading what={what} />;
  }
  return <div class={resource.outdated ? "shown outdated" : "shown"}>{children(resource.data)}</div>;
}
