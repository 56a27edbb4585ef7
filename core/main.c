// main.c - the program: everything it can do stands in cli/.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <curl/curl.h>
#include <locale.h>
#include <sodium.h>
#include <stdio.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        fputs("shoal: the libraries for secrets and requests cannot be started\n", stderr);
        return SHOAL_EXIT_FAILED;
    }
    return shoal_cli_run(argc, argv);
}
