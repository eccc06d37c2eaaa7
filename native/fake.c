/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <stdlib.h>

static void log_write(FAK *fake, unsigned output, bool active) {
  fake->outputs[output] = active;
  if (fake->write_count < FAK_LOG)
    fake->writes[fake->write_count++] =
        (FAK_Write){.time_ns = fake->clock_ns, .output = output, .active = active};
}

static int fake_write(void *context, unsigned output, bool active, int64_t *stamp_ns) {
  FAK *fake = context;

  fake->clock_ns += fake->write_ns;
  if (fake->write_errors[output] != 0)
    return -fake->write_errors[output];
  if (fake->slow[output]) {
    fake->pending[output] = active ? 2 : 1;
    return ENG_WRITE_PENDING;
  }
  log_write(fake, output, active);
  *stamp_ns = fake->clock_ns;
  return 0;
}

static int fake_read(void *context, unsigned input, bool *active) {
  FAK *fake = context;

  *active = fake->levels[input] != 0;
  return -fake->read_errors[input];
}

static void fake_emit(void *context, const ENG_Event *event) {
  FAK *fake = context;

  if (fake->event_count < FAK_LOG)
    fake->events[fake->event_count++] = *event;
}

static void fake_measure(void *context, ENG_Measure what, int64_t delay_ns) {
  (void)context;
  (void)what;
  (void)delay_ns;
}

FAK *FAK_Create(void) {
  FAK *fake = calloc(1, sizeof(*fake));
  ENG_Ports ports = {fake, fake_write, fake_read, fake_emit, fake_measure};

  if (fake == NULL)
    return NULL;
  fake->engine = ENG_Create();
  if (fake->engine == NULL) {
    free(fake);
    return NULL;
  }
  ENG_SetPorts(fake->engine, &ports);
  return fake;
}

void FAK_Destroy(FAK *fake) {
  if (fake == NULL)
    return;
  ENG_Destroy(fake->engine);
  free(fake);
}

void FAK_EndWrite(FAK *fake, unsigned output, int error, int64_t now_ns) {
  int32_t pending = fake->pending[output];

  if (pending == 0)
    return;
  fake->pending[output] = 0;
  fake->clock_ns = now_ns;
  if (error == 0)
    log_write(fake, output, pending == 2);
  ENG_Written(fake->engine, output, error, now_ns, now_ns);
}
