import type { ComponentChildren } from "preact";

/** A view: what it is called, what it shows in one sentence, and what it can be narrowed to. */
export function Page({
  title,
  about,
  tools,
  children,
}: {
  title: string;
  about: string;
  tools?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <>
      <header class="page-head">
        <div class="page-words">
          <h1 tabIndex={-1}>{title}</h1>
          <p>{about}</p>
        </div>
        {tools ? <div class="tools">{tools}</div> : null}
      </header>
      {children}
    </>
  );
}

export function Panel({
  title,
  note,
  children,
}: {
  title: string;
  note?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="panel" aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        {note ? <div class="panel-note">{note}</div> : null}
      </header>
      {children}
    </section>
  );
}
