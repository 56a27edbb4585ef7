// api_software.h - what this server says it speaks like; clients test these words.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_SOFTWARE_H
#define API_SOFTWARE_H

#define API_SERVER_VERSION "8.2.1"    ///< the REST API that is spoken here
#define API_SOFTWARE       "peertube" ///< NodeInfo's name of what speaks it

#endif
