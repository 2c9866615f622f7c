/** Values of `event.type` that ECS expects for each `event.category` Weir uses (ECS, "Event Categories"). */
export const legalTypes: Readonly<Record<string, readonly string[]>> = {
  network: ['access', 'allowed', 'connection', 'denied', 'end', 'info', 'protocol', 'start'],
  intrusion_detection: ['allowed', 'denied', 'info'],
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  database: ['access', 'change', 'info', 'error'],
};
