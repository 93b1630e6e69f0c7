"""Which test keeps each kind of fault closed that files and habits of users brought out."""

import ast
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KEPT_CLOSED = {
    # Borders of windows.
    "a tone over windows is one event": "test_long_sound.py: a_steady_tone_is_one_event_wherever_windows_begin",
    "a tone that fills a window is no background": (
        "test_in_whole.py: a_tone_longer_than_a_window_is_no_background_in_the_table_of_masks"
    ),
    "windows while training": (
        "test_rounds_context.py: segments_of_a_round_are_found_in_what_discover_sees_of_a_window"
    ),
    "truth on long recordings": (
        "audio_events/test_long_soundscapes.py: events_of_ten_minutes_do_not_depend_on_where_windows_fall_and_are_"
        "found_as_well_as_in_short_ones"
    ),
    "clips over windows": "test_video_windows.py: a_track_across_windows_is_one_object_wherever_windows_fall",
    "texts over windows": "test_text_windows.py: a_span_across_borders_is_one_wherever_windows_fall",
    "graphs over windows": "test_graph_windows.py: a_community_that_borders_cut_is_one_object",
    "long items in bounded memory": "test_long_sound.py: of_a_long_file_only_a_span_of_windows_is_held",
    "nothing found is said": "test_discover.py: where_nothing_is_found_at_all_it_is_said",
    # A length, a clock or a number of frames that a header says.
    "sound without a length, codec delays": (
        "test_audio_files.py: a_file_is_read_to_its_end_and_every_place_sounds_at_its_time"
    ),
    "clips whose clock begins late": (
        "test_video_files.py: every_frame_is_read_once_and_at_its_time_counted_from_the_first"
    ),
    "too short a length": (
        "test_audio_files.py: a_file_whose_header_and_content_disagree_is_named_and_can_be_left_out"
    ),
    "too long a length": "test_damaged_files.py: a_header_that_promises_years_is_named_with_what_there_is",
    "a file that shrinks while it is read": (
        "test_audio_data.py: a_file_that_shrank_since_its_header_was_read_is_bad"
    ),
    # Errors of libraries.
    "SDF in another encoding": "test_graph_formats.py: records_of_an_sdf_are_read_one_by_one_in_any_encoding",
    "whatever a library raises at the probe": (
        "test_bad_items.py: what_a_library_raises_over_a_file_at_the_probe_is_named_or_left_out"
    ),
    "whatever a library raises in a worker": (
        "test_bad_items.py: what_a_library_raises_over_an_item_is_named_and_the_item_replaced"
    ),
    "any damage of any format": "fuzz/test_mutations.py: mutated_files_are_read_or_named",
    # Where rows end.
    "line breaks within cells": "test_tables.py: rows_of_a_quoted_table_are_those_of_the_csv_library",
    "lines of text": "test_tables.py: lines_end_at_line_breaks_alone_and_know_their_bytes",
    "lines of SMILES": "test_graph_formats.py: lines_of_smiles_end_where_they_end",
    "quotation marks between tabs": "test_tables.py: a_quotation_mark_between_tabs_swallows_no_row",
    "cells beyond 128 KiB": "test_tables.py: tables_are_read_as_people_have_them",
    "names of several lines": "test_discover.py: what_is_left_out_has_a_line_each_whatever_its_name",
    "names of several lines, in every list": "test_bad_items.py: lists_of_what_was_left_out_have_a_line_for_each",
    # A format that is taken for another.
    "CoNLL": "test_text_formats.py: columns_give_their_words_as_they_are_cut_there_and_no_tags",
    "arrays of JSON": "test_text_formats.py: arrays_of_json_are_records",
    "XML, HTML, SRT": "test_text_formats.py: what_is_not_read_is_refused_by_name_and_left_out_on_request",
    "such files in a folder": "test_text_formats.py: texts_in_other_forms_in_a_folder_are_listed_as_left_out",
    "two cameras in one folder": "test_video_files.py: frames_of_several_cameras_in_one_folder_are_refused_by_name",
    "stores of pandas in HDF5": "test_sensors_awkward.py: stores_of_pandas_are_refused_by_name_with_what_to_do",
    "tables of events as labels": "test_labels.py: what_is_wrong_with_a_table_is_said",
    "other forms of graphs": "test_graph_formats.py: what_is_not_read_is_refused_by_name_and_left_out_on_request",
    # Outputs that are rebuilt.
    "dative bonds, isotopes, charges": "test_graph_formats.py: a_molecule_comes_back_as_it_was_and_its_parts_match_it",
    "explicit hydrogens": "test_graph_formats.py: atoms_have_the_numbers_of_the_file_though_hydrogens_are_none",
    "ids and names of records": (
        "test_graph_formats.py: everything_that_a_file_says_of_a_molecule_is_written_beside_it"
    ),
    "ids of texts": "test_awkward_files.py: ids_of_records_stand_beside_their_spans",
    # One word for two things.
    "hours of the files": (
        "test_first_minutes.py: hours_are_those_of_the_files_though_windows_move_while_training"
    ),
    "one vector per passage": "outputs/test_text.py: vectors_of_records_have_the_ids_that_the_records_say",
    "one vector per molecule": (
        "outputs/test_graph.py: there_is_a_vector_for_every_molecule_and_every_atom_with_its_number"
    ),
    # Two readers of one format.
    "pictures and their sizes": (
        "test_picture_files.py: every_format_is_upright_and_its_size_is_that_of_the_upright_picture"
    ),
    "pictures and their masks": "test_image_masks.py: a_deep_png_is_turned_as_its_mask_is",
    "frames of clips": "test_video_files.py: a_frame_is_upright_as_a_picture_is",
    "clips that are turned": "test_video_files.py: pictures_are_turned_and_mirrored_as_players_show_them",
    # Scripts.
    "right to left, Indic, Chinese": "test_text_render.py: sentences_stand_in_the_direction_of_their_script",
    "fonts of pictures": (
        "test_audio_render.py: a_name_that_no_font_can_write_is_a_number_in_the_picture_and_a_name_below_it"
    ),
    # What the listing does not see.
    "links to folders": "test_listing.py: links_to_folders_are_followed_once_each",
    "dangling links, locked folders": (
        "test_listing.py: every_modality_names_links_to_nowhere_and_locked_folders"
    ),
    "hidden folders": (
        "test_listing.py: hidden_files_and_folders_and_those_of_systems_are_left_out_unless_they_are_named"
    ),
    "links, pipes and locked files in every modality": (
        "test_messy_folders.py: every_item_is_found_once_and_what_is_none_is_named_or_left_out"
    ),
    "how many are left out": "test_data_record.py: what_was_found_and_left_out_is_counted",
    # Checks that contradict each other.
    "labels of what was left out": (
        "test_label_tables.py: rows_of_what_is_not_here_are_said_in_a_line_and_stop_nothing"
    ),
    "names of files in tables": "test_label_tables.py: a_table_names_files_as_people_write_them",
    "absolute paths": "test_label_tables.py: an_absolute_path_names_a_file_that_was_given_relative",
    "values where classes are needed": (
        "test_label_tables.py: a_method_that_needs_classes_says_that_labels_are_values"
    ),
    "masks of what was left out": "test_image_masks.py: masks_of_pictures_that_were_left_out_may_be_there",
    # State on disk.
    "a start that fails": "test_experiment.py: a_failed_start_leaves_nothing_that_refuses_the_corrected_command",
    "results of an earlier call": "test_output_folder.py: what_a_call_writes_replaces_what_an_earlier_one_wrote",
    "two processes in one folder": (
        "test_experiment.py: a_second_process_in_the_same_folder_is_refused_and_the_lock_of_a_killed_one_is_free"
    ),
    "a folder that cannot be written to": (
        "test_output_folder.py: a_folder_that_cannot_be_used_is_refused_before_any_work"
    ),
    "data that grew before --resume": (
        "test_data_record.py: a_run_goes_on_with_changed_data_only_when_it_is_told_to"
    ),
    # The state of the precision.
    "clipping in float16": (
        "test_float16.py: an_overflow_is_left_out_and_lowers_the_scale_also_where_gradients_are_clipped"
    ),
    "the scale in a checkpoint": (
        "test_float16.py: a_run_in_float16_that_was_stopped_and_resumed_gives_the_same_numbers_bit_for_bit"
    ),
    # Causes.
    "channels that cancel out, a constant voltage": (
        "test_audio_files.py: a_recording_in_which_nothing_is_heard_is_named_with_the_true_cause"
    ),
    "one dead channel": "test_audio_files.py: one_dead_channel_or_an_offset_is_no_silence",
    # Numbers without sense.
    "numbers of the command line": (
        "test_cli.py: every_number_has_a_range_and_what_lies_outside_is_refused_by_name"
    ),
    "numbers of components": "test_ranges.py: every_number_that_builds_a_component_has_a_range",
    "too large numbers": "test_ranges.py: no_number_is_absurdly_large",
    # Its own output.
    "found objects read as data": "test_discover.py: what_an_earlier_call_wrote_is_not_read_and_not_left",
    "a run in the folder of its data": "test_data_record.py: a_run_is_not_written_beside_what_it_reads",
    "run folders within the data": "test_output_folder.py: what_the_package_wrote_is_not_found_as_data",
    # Numbers of a copy.
    "atoms": "test_graph_formats.py: atoms_have_the_numbers_of_the_file_though_hydrogens_are_none",
    "lines": "test_text_formats.py: a_sentence_has_its_text_and_its_remarks",
    "frames": "outputs/test_tools.py: masks_of_videos_lie_as_the_evaluation_of_davis_reads_them",
    # The tools of the field.
    "DCASE": "outputs/test_tools.py: event_lists_are_read_and_evaluated_by_sed_eval",
    "Audacity": "outputs/test_tools.py: label_tracks_are_what_audacity_imports",
    "Raven, Praat, ELAN": (
        "outputs/test_track_tools.py: what_is_discovered_is_what_the_tool_of_the_field_reads"
    ),
    "names of events in any script": (
        "outputs/test_track_tools.py: names_of_every_script_reach_the_tool_as_they_are"
    ),
    "BRAT": "outputs/test_tools.py: standoff_is_what_brat_reads",
    "PLY": "outputs/test_tools.py: objects_of_points_are_read_by_trimesh",
    "seconds of series": "outputs/test_tools.py: stretches_of_sensors_are_read_by_sed_eval",
    "COCO": "outputs/test_tools.py: objects_of_pictures_are_read_and_evaluated_by_pycocotools",
    "DAVIS": "outputs/test_tools.py: masks_of_videos_lie_as_the_evaluation_of_davis_reads_them",
    "CoNLL-U": "outputs/test_tools.py: spans_are_read_by_conllu",
    "RDKit": "outputs/test_graph.py: drawings_atoms_and_smarts_that_match_are_written",
    # Truth.
    "what reports call true": "test_data_record.py: a_report_says_what_is_called_true_only_where_something_is",
    # Stumbles of newcomers.
    "sounds above 8 kHz": "audio_events/test_sample_rate.py: a_run_on_bats_takes_their_rate_and_finds_their_calls",
    "vectors of objects": "test_embed.py: the_tables_say_what_the_model_says",
    "batches for the encoder of a run": "test_docs_code.py: the_examples_of_a_page_run_in_their_order",
    "properties of molecules as labels": "test_label_tables.py: properties_of_an_sdf_are_labels",
    "columns of the data as labels": "test_label_tables.py: a_column_of_the_data_themselves_is_a_label",
    "molfiles, compressed files": "test_graph_formats.py: molfiles_and_compressed_files_are_read",
    "12 bits in 16": "test_picture_files.py: the_bits_that_count_make_white",
    "run audio": "test_cli.py: a_part_of_a_name_suggests_the_name",
    "another path at --resume": (
        "test_data_record.py: a_run_is_resumed_wherever_its_data_lie_and_not_with_other_data"
    ),
    "an empty variable": "test_cli.py: an_empty_variable_is_no_path",
    "windows of molecules": "test_graph_windows.py: windows_of_a_molecule_are_one_molecule",
    "masks of their own": "test_masks_run.py: recordings_with_label_tracks_train_and_are_measured",
    "the column of SMILES": "test_graph_formats.py: the_column_of_smiles_has_any_spelling",
    "names of records in tables": "test_label_tables.py: rows_name_records",
    "names of outputs": "test_discover.py: two_pictures_of_one_name_keep_their_folders",
    "a mistake in a plug-in": "test_saving.py: a_modality_that_cannot_be_found_by_its_path_says_why",
    "imports of a short run": "test_layout.py: importing_gestalt_is_fast_and_imports_no_torch",
}  # fmt: skip
"""Fault → the file and the name of the test, without `test_`."""


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("fault", KEPT_CLOSED)
def test_every_fault_has_its_test(fault: str) -> None:
    file, _, name = KEPT_CLOSED[fault].partition(": ")
    assert f"test_{name}" in names_in(file)
