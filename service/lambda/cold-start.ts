/**
 * A handler that is made when the function starts, which Lambda does with a whole processor and outside the request's
 * time. If that fails, each call tries again and fails with the same reason: a secret may be filled in meanwhile.
 */
export function onColdStart<Event, Context, Answer>(
  start: () => Promise<(event: Event, context: Context) => Promise<Answer>>,
): (event: Event, context: Context) => Promise<Answer> {
  let started: ReturnType<typeof start> | null = null;
  const begin = () => {
    const one = start();
    one.catch(() => {
      if (started === one) started = null;
    });
    started = one;
    return one;
  };
  begin();
  return async (event, context) => (await (started ?? begin()))(event, context);
}
