-- Who hears of accounts and channels that are gone is kept where actors are: by the plugin federation.
DROP TABLE federation_videos_actor;
