// p2p_nodes_test.c - whose a video is, and which names nodes may have.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "p2p.h"

#define VIDEOS 3000

static void read_names(struct p2p_nodes *nodes, const char *names, const char *self)
{
    struct shoal_err err = {0};
    json_t *list = json_loads(names, 0, NULL);
    if (p2p_nodes_read(nodes, list, self, &err) != 0) {
        fail_msg("%s", err.text);
    }
    json_decref(list);
}

static const char *owner(const struct p2p_nodes *nodes, int video)
{
    char uuid[37];
    snprintf(uuid, sizeof uuid, "%08x-2222-4333-8444-555555555555", (unsigned)video);
    return nodes->items[p2p_node_of(nodes, uuid)].name;
}

static void one_that_is_added_takes_its_part_and_no_other_video_moves(void **state)
{
    (void)state;
    static struct p2p_nodes three, four;
    read_names(&three, "[\"a\", \"b\", \"c\"]", "b");
    read_names(&four, "[\"a\", \"b\", \"c\", \"d\"]", "d");
    int moved = 0, of_a = 0;
    for (int i = 0; i < VIDEOS; i++) {
        const char *before = owner(&three, i), *after = owner(&four, i);
        of_a += before[0] == 'a';
        if (strcmp(before, after) != 0) {
            assert_string_equal(after, "d");
            moved++;
        }
    }
    assert_in_range(moved, VIDEOS / 4 - VIDEOS / 20, VIDEOS / 4 + VIDEOS / 20);
    assert_in_range(of_a, VIDEOS / 3 - VIDEOS / 20, VIDEOS / 3 + VIDEOS / 20);
}

// Nodes of two versions, and of lists in another order, agree.
static void it_is_the_same_wherever_it_is_asked(void **state)
{
    (void)state;
    static const char *const uuids[] = {"11111111-2222-4333-8444-555555555555",
        "22222222-2222-4333-8444-555555555555", "33333333-2222-4333-8444-555555555555",
        "44444444-2222-4333-8444-555555555555"};
    static const char *const names[] = {"b", "a", "b", "a"};
    static struct p2p_nodes here, there;
    read_names(&here, "[\"a\", \"b\", \"c\"]", "a");
    read_names(&there, "[\"c\", \"a\", \"b\"]", "c");
    for (size_t i = 0; i < sizeof uuids / sizeof *uuids; i++) {
        assert_string_equal(here.items[p2p_node_of(&here, uuids[i])].name, names[i]);
        assert_string_equal(there.items[p2p_node_of(&there, uuids[i])].name, names[i]);
    }
}

static void the_path_names_the_node_where_there_are_several(void **state)
{
    (void)state;
    static const char uuid[] = "11111111-2222-4333-8444-555555555555";
    static struct p2p_nodes nodes;
    char wanted[80];
    struct shoal_arena *arena = shoal_arena_new(0);
    read_names(&nodes, "[]", "");
    assert_string_equal(p2p_node_path(arena, &nodes, uuid, "socket"), "/tracker/socket");
    read_names(&nodes, "[]", NULL);
    assert_string_equal(p2p_node_path(arena, &nodes, uuid, "announce"), "/tracker/announce");
    read_names(&nodes, "[\"north\", \"south-2\"]", "north");
    const struct p2p_node *node = &nodes.items[p2p_node_of(&nodes, uuid)];
    snprintf(wanted, sizeof wanted, "/tracker/%s/announce", node->name);
    assert_string_equal(p2p_node_path(arena, &nodes, uuid, "announce"), wanted);
    assert_non_null(strstr(node->elsewhere, node->name));
    shoal_arena_free(arena);
}

static void wrong_settings_are_said(void **state)
{
    (void)state;
    static const struct {
        const char *names, *self, *word;
    } rows[] = {
        {"[]", "a", "nodes is empty"},
        {"[\"a\"]", "b", "\"b\", which is none"},
        {"[\"a\"]", "", "which is none"},
        {"[\"a\"]", NULL, "which is none"},
        {"[\"a\", \"a\"]", "a", "each once"},
        {"[\"A\"]", "A", "\"A\" must be"},
        {"[\"\"]", "", "\"\" must be"},
        {"[\"a/b\"]", "a/b", "must be"},
        {"[\"a\", 5]", "a", "must be"},
        {"[\"a23456789b123456789c123456789d123\"]", "a", "1 to 32"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct p2p_nodes nodes;
        struct shoal_err err = {0};
        json_t *list = json_loads(rows[i].names, 0, NULL);
        assert_int_equal(p2p_nodes_read(&nodes, list, rows[i].self, &err), SHOAL_EINVAL);
        if (!strstr(err.text, rows[i].word)) {
            fail_msg("%s %s: %s", rows[i].names, rows[i].self, err.text);
        }
        json_decref(list);
    }
    json_t *many = json_array();
    for (int i = 0; i <= P2P_NODES_MAX; i++) {
        json_array_append_new(many, json_sprintf("n%d", i));
    }
    static struct p2p_nodes nodes;
    assert_int_equal(p2p_nodes_read(&nodes, many, "n1", NULL), SHOAL_EINVAL);
    json_decref(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_added_takes_its_part_and_no_other_video_moves),
        cmocka_unit_test(it_is_the_same_wherever_it_is_asked),
        cmocka_unit_test(the_path_names_the_node_where_there_are_several),
        cmocka_unit_test(wrong_settings_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
