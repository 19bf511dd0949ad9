/* Says which of the library's variants calls take. */
#include "mlp.h"

#include <stdio.h>

int main(void) {
    puts(mlp_target_cpu());
    return mlp_train_step_workspace(4) == 0;
}
